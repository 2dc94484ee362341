package sluice;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.RuntimeReplaceable;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;

/** What can be worked out for any row by itself and without an error: what a query guards by a condition is not guarded where rows are counted. Written for Janino. */
final class ValueSafety {
    private static final Set SAFE = new HashSet(Arrays.asList(new Object[] {
        "AttributeReference", "Literal", "GetStructField", "GetJsonObject", "Coalesce", "Lower", "Upper", "StringTrim", "StringTrimLeft", "StringTrimRight",
        "Substring", "Left", "Right", "Concat", "StringReplace", "DateFormatClass", "NullIf", "If", "IsNull", "IsNotNull", "EqualTo", "Nvl",
        "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual", "And", "Or", "Not", "In", "Like", "EqualNullSafe", "InSet", "StartsWith", "EndsWith",
        "Contains", "Year", "Quarter", "Month", "DayOfMonth", "DayOfWeek", "Hour", "Length", "LastDay", "DateAdd", "DateSub", "TruncDate", "TruncTimestamp",
    }));

    static boolean isSafe(Expression value, boolean isOfGroups) {
        if (!value.deterministic()) return false;
        ArrayDeque waiting = new ArrayDeque();
        waiting.add(value);
        while (!waiting.isEmpty()) {
            Expression next = (Expression) waiting.removeFirst();
            boolean isKnown = next instanceof Cast ? isSafe((Cast) next) : SAFE.contains(next.getClass().getSimpleName());
            if (isOfGroups && next instanceof AggregateExpression) continue; // worked out for each group whatever the query guards
            if (!isKnown && isWorkedOut(next)) continue;
            boolean isOther = !isKnown && next instanceof RuntimeReplaceable;
            if (!isKnown && !isOther) return false;
            if (isOther) waiting.add(((RuntimeReplaceable) next).replacement());
            else addAll(next.children().iterator(), waiting);
        }
        return true;
    }

    /** Whether it is the same for all rows, as yesterday is, and can be worked out. */
    private static boolean isWorkedOut(Expression value) {
        if (!value.foldable()) return false;
        try {
            value.eval(null);
            return true;
        } catch (Exception error) { // such as a text that is no day: the query says that itself, where it gets there
            return false;
        }
    }

    private static boolean isSafe(Cast cast) {
        DataType from = cast.child().dataType(), to = cast.dataType();
        if (cast.child() instanceof Literal || from.getClass() == to.getClass() && !(to instanceof DecimalType)) return true;
        if (from instanceof DateType) return to.typeName().startsWith("timestamp") || to instanceof StringType;
        if (from.typeName().startsWith("timestamp")) return to instanceof DateType || to instanceof StringType;
        return to instanceof DecimalType && from instanceof NumericType && ((DecimalType) to).isWiderThan(from);
    }

    static boolean hasAggregate(Expression[] values) {
        for (int i = 0; i < values.length; i++) {
            ArrayDeque waiting = new ArrayDeque();
            waiting.add(values[i]);
            while (!waiting.isEmpty()) {
                Expression next = (Expression) waiting.removeFirst();
                if (next instanceof AggregateExpression) return true;
                addAll(next.children().iterator(), waiting);
            }
        }
        return false;
    }

    /** Whether the rows of a plan have all columns of these values, and any at all. */
    static boolean has(LogicalPlan child, Expression[] values) {
        boolean hasAny = false;
        for (int i = 0; i < values.length; i++) {
            if (!values[i].references().subsetOf(child.outputSet())) return false;
            hasAny = hasAny || values[i].references().nonEmpty();
        }
        return hasAny;
    }

    private static void addAll(scala.collection.Iterator found, ArrayDeque waiting) {
        while (found.hasNext()) waiting.add(found.next());
    }
}
