package sluice;

import java.time.ZoneId;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.DateFormatClass;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GetTimestamp;
import org.apache.spark.sql.catalyst.expressions.Hour;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.RuntimeReplaceable;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.expressions.TruncTimestamp;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.TimestampType;

/**
 * Finds what goes wrong with times: days that end at their midnight or are those of another zone, hours that clocks leave out or show twice,
 * texts with a zone of their own, milliseconds taken for seconds, spans with their ends turned round. Written for Janino.
 */
final class TimeLook {
    private static final int DEEPEST = 60;
    private static final Set SPANS = new HashSet(Arrays.asList(new Object[] {"DateDiff", "TimestampDiff", "MonthsBetween"}));
    private static final Set READ_AS_DAY = new HashSet(Arrays.asList(new Object[] {"Cast", "ParseToDate", "ParseToTimestamp", "GetTimestamp"}));
    private static final Set KEEP_SIGN = new HashSet(Arrays.asList(new Object[] {"Alias", "AggregateExpression", "Sum", "Average", "Min", "Max", "Round", "Cast"}));
    private final ValueLook look;
    private final LogicalPlan node;

    TimeLook(ValueLook look, LogicalPlan node) {
        this.look = look;
        this.node = node;
    }

    void find() {
        scala.collection.Iterator parts = node.expressions().iterator();
        while (parts.hasNext()) inside((Expression) parts.next(), node instanceof Project || node instanceof Aggregate, 0);
    }

    /** One part of an expression, wherever it stands. */
    void at(Expression part) {
        if (part instanceof EqualTo) dayAlone(child(part, 0), child(part, 1));
        boolean isOfSeconds = part instanceof Cast && part.dataType() instanceof TimestampType || part.getClass().getSimpleName().matches("SecondsToTimestamp|FromUnixTime|ParseToTimestamp");
        if (isOfSeconds) seconds(child(part, 0));
        if (part instanceof Cast && part.dataType() instanceof DateType) zoned("zone-day", ((Cast) part).child());
        else if (part instanceof TruncTimestamp && isOfDays(((TruncTimestamp) part).format())) zoned("zone-day", ((TruncTimestamp) part).timestamp());
        else if (part instanceof Hour) zoned("zone-hour", ((Hour) part).child());
        else if (part instanceof DateFormatClass) zoned(isOfHours(((DateFormatClass) part).right()) ? "zone-hour" : "zone-day", ((DateFormatClass) part).left());
    }

    /** `isShown`: the value comes out with its sign. */
    private void inside(Expression part, boolean isShown, int depth) {
        if (depth > DEEPEST || part instanceof SubqueryExpression) return;
        String kind = part.getClass().getSimpleName();
        if (kind.equals("ToUTCTimestamp")) clocks(part, child(part, 0), child(part, 1));
        else if (kind.equals("ConvertTimezone")) clocks(part, child(part, 2), child(part, 0));
        else if (part instanceof Cast && part.dataType() instanceof DateType) ofText(((Cast) part).child());
        else if (SPANS.contains(kind)) span(part, isShown);
        else if (kind.matches("Hour|DateFormatClass")) ofText(child(part, 0));
        else if (kind.equals("TruncTimestamp")) ofText(child(part, 1));
        if (kind.matches("TruncDate|TruncTimestamp")) unit(part, child(part, kind.equals("TruncDate") ? 0 : 1));
        scala.collection.Iterator children = part.children().iterator();
        while (children.hasNext()) inside((Expression) children.next(), isShown && KEEP_SIGN.contains(kind), depth + 1);
    }

    private static Expression child(Expression part, int place) {
        return (Expression) part.children().apply(place);
    }

    /** The hour of a clock in a zone. */
    private void clocks(Expression part, Expression time, Expression zone) {
        if (!(zone instanceof Literal) || ((Literal) zone).value() == null || !ValueSafety.isSafe(time, false) || time.foldable()) return;
        look.addKnown("clock-gap", node, part, new Expression[] {time, zone});
        look.addKnown("clock-twice", node, part, new Expression[] {time, zone});
    }

    /** A span between two days, one of which may stand for none. */
    private void span(Expression part, boolean isShown) {
        if (isShown) turned(part);
        for (int i = 0; i < part.children().length(); i++) {
            Expression column = child(part, i), day = null;
            while (isDayOrTime(column) && READ_AS_DAY.contains(column.getClass().getSimpleName())) {
                if (column instanceof GetTimestamp) day = orNone((GetTimestamp) column);
                column = column instanceof RuntimeReplaceable ? ((RuntimeReplaceable) column).replacement() : child(column, 0);
            }
            boolean isRead = isDayOrTime(column) || column.dataType() instanceof StringType;
            if (column instanceof Attribute && isRead && look.hasRoom()) look.addKnown("stand-in-day", node, column, new Expression[] {day == null ? column : day});
        }
    }

    private static boolean isDayOrTime(Expression value) {
        return value.dataType() instanceof DateType || value.dataType() instanceof TimestampType;
    }

    /** The time that a text is read as by a pattern, none where it does not fit: the query itself says that. */
    private static Expression orNone(GetTimestamp read) {
        return read.copy(read.left(), read.right(), read.dataType(), read.suggestedFuncOnFail(), read.timeZoneId(), false);
    }

    /** datediff(start, stop): below 0 everywhere. */
    private void turned(Expression part) {
        boolean isSafe = !part.foldable();
        for (int i = 0; i < part.children().length(); i++) isSafe = isSafe && ValueSafety.isSafe(child(part, i), false);
        boolean isTwoColumns = part.references().size() == 2; // beside today's date or a fixed one a look back is meant
        if (isSafe && isTwoColumns) look.addKnown("span-turned", node, part, new Expression[] {part});
    }

    /** trunc(day, 'months'): a unit that Spark does not know makes no value of any day. */
    private void unit(Expression part, Expression day) {
        if (part.children().length() == 2 && ValueSafety.isSafe(day, false)) look.addKnown("no-unit", node, part, new Expression[] {day, part});
    }

    /** A text with a zone of its own becomes a time in UTC, whose hour is another one. */
    private void ofText(Expression time) {
        if (!(time instanceof Cast) || !time.dataType().typeName().startsWith("timestamp")) return;
        Expression text = ((Cast) time).child();
        if (text.dataType() instanceof StringType && !text.foldable()) look.add("zone-text", node, text, new Expression[] {text});
    }

    /** Seconds since 1970, which may be milliseconds. */
    private void seconds(Expression value) {
        if (value instanceof Cast && ((Cast) value).child().dataType() instanceof NumericType) seconds(((Cast) value).child());
        else if (value.dataType() instanceof NumericType) look.add("seconds", node, value, new Expression[] {value});
    }

    /** A time whose column is said to be of another zone than that of all days and hours here, UTC. */
    private void zoned(String kind, Expression value) {
        if (!(value instanceof Attribute) || !(value.dataType() instanceof TimestampType)) return;
        Metadata known = ((Attribute) value).metadata();
        String zone = known.contains("timezoneId") ? known.getString("timezoneId") : "";
        if (ZoneId.getAvailableZoneIds().contains(zone)) look.add(kind, node, value, new Expression[] {value, org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(zone)});
        look.addZoned((Attribute) value);
    }

    private static boolean isOfDays(Expression unit) {
        return !(unit instanceof Literal) || !String.valueOf(((Literal) unit).value()).matches("(?i)hour|minute|second|millisecond|microsecond");
    }

    /** Whether a pattern tells hours. */
    private static boolean isOfHours(Expression pattern) {
        return pattern instanceof Literal && String.valueOf(((Literal) pattern).value()).matches(".*[HhKka].*");
    }

    /** A day that equals a time is its midnight. */
    private void dayAlone(Expression one, Expression other) {
        Expression day = isDay(one) ? one : other, time = isDay(one) ? other : one;
        if (!isDay(day) || isDay(time) || !time.dataType().typeName().startsWith("timestamp")) return;
        if (node instanceof Join && !day.foldable()) look.add("time-of-day", node, time, new Expression[] {time});
        else look.add("day-alone", node, time, new Expression[] {time, day});
    }

    /** Whether a time was a day before it was compared with a time: midnight stands for all of it. */
    static boolean isDay(Expression value) {
        if (!(value instanceof Cast) || !value.dataType().typeName().startsWith("timestamp")) return false;
        Expression before = ((Cast) value).child();
        boolean isText = before instanceof Literal && before.dataType() instanceof StringType;
        return before.dataType() instanceof DateType || (isText && String.valueOf(((Literal) before).value()).trim().matches("[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"));
    }
}
