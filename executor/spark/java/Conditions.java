package sluice;

import org.apache.spark.sql.connector.expressions.Expression;
import org.apache.spark.sql.connector.expressions.GeneralScalarExpression;
import org.apache.spark.sql.connector.expressions.Literal;
import org.apache.spark.sql.types.AtomicType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.TimestampNTZType;
import org.apache.spark.sql.types.TimestampType;

/**
 * Which conditions of a query the database may answer in Spark's place. Texts are the exception: databases compare them by rules of their own
 * ('abc' = 'ABC', 'a' &lt; 'B'), and some read a \\ in them as a sign of their own, so other rows would come back, or worse. So are values that
 * Spark writes as no database reads them: NaN and Infinity, which would be names of columns, lists, and the days of October 1582 that
 * calendars left out, which Java's old dates do not have.
 */
final class Conditions {
    private static final long DAY = 86_400_000_000L;
    private static final long FIRST_LEFT_OUT = -141437L; // 1582-10-05, since 1970
    private static final long LAST_LEFT_OUT = -141418L; // 1582-10-24: some come as ten days later

    private Conditions() {}

    /** Whether it means the same there. `comparesSigns`: where two texts are equal only if they are the same, sign by sign. */
    static boolean meansTheSame(Expression condition, boolean comparesSigns) {
        return !hasUnwritable(condition) && (comparesSigns ? !hasOrderOfTexts(condition) : !hasText(condition));
    }

    private static boolean hasUnwritable(Expression condition) {
        if (condition instanceof Literal && !isWritable((Literal) condition)) {
            return true;
        }
        Expression[] parts = condition.children();
        for (int place = 0; place < parts.length; place++) {
            if (hasUnwritable(parts[place])) {
                return true;
            }
        }
        return false;
    }

    private static boolean isWritable(Literal literal) {
        Object value = literal.value();
        if (value instanceof Double || value instanceof Float) {
            double number = ((Number) value).doubleValue();
            return !Double.isNaN(number) && !Double.isInfinite(number);
        }
        if (value == null) {
            return literal.dataType() instanceof AtomicType;
        }
        if (literal.dataType() instanceof DateType) {
            return !isLeftOut(((Number) value).longValue());
        }
        if (literal.dataType() instanceof TimestampType || literal.dataType() instanceof TimestampNTZType) {
            return !isLeftOut(Math.floorDiv(((Number) value).longValue(), DAY));
        }
        return literal.dataType() instanceof AtomicType;
    }

    private static boolean isLeftOut(long day) {
        return day >= FIRST_LEFT_OUT && day <= LAST_LEFT_OUT;
    }

    private static boolean hasOrderOfTexts(Expression condition) {
        if (condition instanceof GeneralScalarExpression) {
            String name = ((GeneralScalarExpression) condition).name();
            if ((name.equals("<") || name.equals("<=") || name.equals(">") || name.equals(">=")) && hasText(condition)) {
                return true;
            }
        }
        Expression[] parts = condition.children();
        for (int place = 0; place < parts.length; place++) {
            if (hasOrderOfTexts(parts[place])) {
                return true;
            }
        }
        return false;
    }

    private static boolean hasText(Expression condition) {
        if (condition instanceof Literal && ((Literal) condition).dataType() instanceof StringType) {
            return true;
        }
        Expression[] parts = condition.children();
        for (int place = 0; place < parts.length; place++) {
            if (hasText(parts[place])) {
                return true;
            }
        }
        return false;
    }
}
