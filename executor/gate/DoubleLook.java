package sluice;

import org.apache.spark.sql.catalyst.expressions.BinaryComparison;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.EqualNullSafe;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.In;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.StringType;

/**
 * Finds, in the analysed plan of one query, exact numbers that Spark compares as doubles, in which 12345678901234567890 and …891 are one: with
 * a text, and, where equality is asked for, with a double. CAST(… AS DOUBLE) says that it is meant. Views are not entered. Written for Janino.
 */
public final class DoubleLook {
    private static final String UNIT = "\u001f", RECORD = "\u001e";
    /** Digits that a double holds whatever they are. */
    private static final int DIGITS = 15;

    /** For each: the column ("" for what is worked out), its type, and whether it meets a text. */
    public static String compared(LogicalPlan plan) {
        StringBuilder found = new StringBuilder();
        java.util.Iterator plans = PlanWalk.plans(plan).iterator();
        while (plans.hasNext()) {
            java.util.Iterator parts = PlanWalk.expressions((LogicalPlan) plans.next()).iterator();
            while (parts.hasNext()) {
                Object part = parts.next();
                if (part instanceof BinaryComparison || part instanceof In) look((Expression) part, found);
            }
        }
        return found.toString();
    }

    private static void look(Expression comparison, StringBuilder found) {
        boolean isEquality = comparison instanceof EqualTo || comparison instanceof EqualNullSafe || comparison instanceof In;
        Expression exact = null;
        boolean meetsText = false, meetsDouble = false;
        scala.collection.Iterator sides = comparison.children().iterator();
        while (sides.hasNext()) {
            Expression side = (Expression) sides.next();
            Expression inside = turned(side);
            if (inside != null && isLong(inside)) exact = inside;
            else if (inside != null && inside.dataType() instanceof StringType) meetsText = true;
            else if (side.dataType() instanceof DoubleType && !side.foldable()) meetsDouble = true;
        }
        if (exact == null || !(meetsText || isEquality && meetsDouble)) return;
        found.append(exact instanceof NamedExpression ? ((NamedExpression) exact).name() : "").append(UNIT);
        found.append(exact.dataType().simpleString()).append(UNIT).append(meetsText).append(RECORD);
    }

    /** What Spark, unasked, makes a double of; null for all else. */
    private static Expression turned(Expression side) {
        boolean isTurned = side instanceof Cast && side.dataType() instanceof DoubleType;
        return isTurned && side.getTagValue(Cast.USER_SPECIFIED_CAST()).isEmpty() ? ((Cast) side).child() : null;
    }

    private static boolean isLong(Expression number) {
        if (number.dataType() instanceof LongType) return !number.foldable();
        return number.dataType() instanceof DecimalType && ((DecimalType) number.dataType()).precision() > DIGITS && !number.foldable();
    }
}
