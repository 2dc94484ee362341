package sluice;

import java.time.ZoneId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.CommonExpressionDef;
import org.apache.spark.sql.catalyst.expressions.CommonExpressionRef;
import org.apache.spark.sql.catalyst.expressions.DateFormatClass;
import org.apache.spark.sql.catalyst.expressions.Divide;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GreaterThan;
import org.apache.spark.sql.catalyst.expressions.GreaterThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.Greatest;
import org.apache.spark.sql.catalyst.expressions.Hour;
import org.apache.spark.sql.catalyst.expressions.In;
import org.apache.spark.sql.catalyst.expressions.InSubquery;
import org.apache.spark.sql.catalyst.expressions.Least;
import org.apache.spark.sql.catalyst.expressions.LessThan;
import org.apache.spark.sql.catalyst.expressions.LessThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.ListQuery;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Multiply;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.expressions.TruncTimestamp;
import org.apache.spark.sql.catalyst.expressions.With;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.Count;
import org.apache.spark.sql.catalyst.expressions.aggregate.Max;
import org.apache.spark.sql.catalyst.expressions.aggregate.MaxMinBy;
import org.apache.spark.sql.catalyst.expressions.aggregate.Min;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Distinct;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.catalyst.plans.logical.Window;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.TimestampType;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Finds the places of one query where what comes out depends on how its values are written or on what they are (text put in order, digits
 * cut off, days that end at midnight or are those of another zone, no value in a NOT IN list), and puts counters of the rows right before them. Views are not entered: each
 * was looked at where it was made. Written for Janino.
 */
public final class ValueLook {
    private static final int MOST = 60, MOST_KEYS = 6, DEEPEST = 400;
    private static final String UNIT = "\u001f", RECORD = "\u001e";
    private static final Set SAFE = new HashSet(Arrays.asList(new Object[] {
        "AttributeReference", "Literal", "GetStructField", "GetJsonObject", "Coalesce", "Lower", "Upper", "StringTrim", "StringTrimLeft", "StringTrimRight",
        "Substring", "Left", "Right", "Concat", "StringReplace", "DateFormatClass", "NullIf", "If", "IsNull", "IsNotNull", "EqualTo", "Nvl",
        "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual", "And", "Or", "Not", "In", "Like",
    }));
    private static final Set GIVES_VALUES = new HashSet(Arrays.asList(new Object[] {"Alias", "Coalesce", "If", "CaseWhen", "CreateArray", "Greatest", "Least"}));
    private final LogicalPlan plan;
    private final boolean isCheck;
    private final List points = new ArrayList();
    private final Map common = new HashMap();
    private final List apart = new ArrayList();
    private final ValueOrigins origins;

    /** `isCheck`: the query says yes or no, and what it cannot decide is left out. */
    public ValueLook(LogicalPlan plan, boolean isCheck) {
        this.plan = plan;
        this.isCheck = isCheck;
        this.origins = new ValueOrigins(plan);
        look(plan, 0);
    }

    /** Of each place: kind, label, first and last sign in the query's text (-1 where unknown), whether it is to be asked for; with unit separators, and a record separator. */
    public String points() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < points.size(); i++) {
            ValuePoint point = (ValuePoint) points.get(i);
            scala.Option from = point.shown.origin().startIndex(), to = point.shown.origin().stopIndex();
            text.append(point.kind).append(UNIT).append(label(point.shown)).append(UNIT);
            text.append(from.isDefined() ? from.get() : "-1").append(UNIT).append(to.isDefined() ? to.get() : "-1").append(UNIT);
            text.append(point.child == ValuePoint.ASKED ? 1 : 0).append(RECORD);
        }
        return text.toString();
    }

    private static String label(Expression shown) {
        if (shown instanceof NamedExpression) return ((NamedExpression) shown).name();
        return org.apache.spark.sql.catalyst.util.package$.MODULE$.toPrettySQL(shown, false);
    }

    // --- finding

    private void look(LogicalPlan node, int depth) {
        if (node instanceof View || depth > DEEPEST) return;
        groupsOf(node);
        ArrayDeque waiting = new ArrayDeque();
        addAll(node.expressions().iterator(), waiting);
        while (!waiting.isEmpty() && points.size() < MOST) {
            Expression next = (Expression) waiting.removeFirst();
            if (next instanceof AggregateExpression && ((AggregateExpression) next).isDistinct()) apart.add(((AggregateExpression) next).aggregateFunction());
            if (next instanceof With) noteCommon(((With) next).defs().iterator());
            at(node, next);
            addAll(next.children().iterator(), waiting);
            if (next instanceof SubqueryExpression && isAlone((SubqueryExpression) next)) look((LogicalPlan) ((SubqueryExpression) next).plan(), depth + 1);
        }
        scala.collection.Iterator children = node.children().iterator();
        while (children.hasNext()) look((LogicalPlan) children.next(), depth + 1);
    }

    /** Texts by which rows are put together: written in two ways they make two groups of one. */
    private void groupsOf(LogicalPlan node) {
        List keys = new ArrayList();
        if (node instanceof Aggregate) addKeys(((Aggregate) node).groupingExpressions().iterator(), node, keys);
        if (node instanceof Distinct) addKeys(node.output().iterator(), node, keys);
        if (keys.size() <= MOST_KEYS) points.addAll(keys);
        if (node instanceof Window) addParts(((Window) node).partitionSpec().iterator(), node);
    }

    /** Of keys that come out of the node: what comes out of it are few rows. */
    private void addKeys(scala.collection.Iterator found, LogicalPlan node, List keys) {
        while (found.hasNext()) {
            Expression key = (Expression) found.next();
            Expression shown = node instanceof Aggregate ? shownAs((Aggregate) node, key) : key;
            if (shown == null || !(key.dataType() instanceof StringType) || !isKey(key) || points.size() + keys.size() >= MOST) continue;
            keys.add(new ValuePoint("group", node, ValuePoint.OVER, shown, new Expression[] {shown}));
        }
    }

    private void addParts(scala.collection.Iterator found, LogicalPlan node) {
        while (found.hasNext()) {
            Expression key = (Expression) found.next();
            if (key.dataType() instanceof StringType && isKey(key)) add("group", node, key, new Expression[] {key});
        }
    }

    private boolean isKey(Expression key) {
        return key.deterministic() && !key.foldable() && !origins.isMeant(key);
    }

    /** The column in which a key of the groups comes out, if it does. */
    private static Expression shownAs(Aggregate groups, Expression key) {
        scala.collection.Iterator columns = groups.aggregateExpressions().iterator();
        while (columns.hasNext()) {
            Expression column = (Expression) columns.next();
            Expression inside = column instanceof Alias ? ((Alias) column).child() : column;
            if (inside.semanticEquals(key)) return ((NamedExpression) column).toAttribute();
        }
        return null;
    }

    private void noteCommon(scala.collection.Iterator found) {
        while (found.hasNext()) {
            CommonExpressionDef known = (CommonExpressionDef) found.next();
            common.put(known.id(), known.child());
        }
    }

    /** What stands in the query for a value that several parts of it share, as those of BETWEEN do. */
    private Expression meant(Object value) {
        if (!(value instanceof CommonExpressionRef)) return (Expression) value;
        Object known = common.get(((CommonExpressionRef) value).id());
        return known == null ? (Expression) value : (Expression) known;
    }

    static boolean isAlone(SubqueryExpression query) {
        return query.children().isEmpty();
    }

    private static void addAll(scala.collection.Iterator found, ArrayDeque waiting) {
        while (found.hasNext()) waiting.add(found.next());
    }

    private void at(LogicalPlan node, Expression part) {
        scala.collection.Iterator children = part.children().iterator();
        while (children.hasNext()) turned(node, part, (Expression) children.next());
        if (part instanceof EqualTo) sought(node, (Expression) part.children().apply(0), (Expression) part.children().apply(1));
        if (part instanceof In) for (int i = 1; i < Math.min(part.children().length(), MOST_KEYS); i++) sought(node, (Expression) part.children().apply(0), (Expression) part.children().apply(i));
        if (part instanceof Cast) suffixed(node, (Cast) part);
        if (part instanceof Cast && part.dataType() instanceof TimestampType || part.getClass().getSimpleName().matches("SecondsToTimestamp|FromUnixTime|ParseToTimestamp")) seconds(node, (Expression) part.children().apply(0));
        if (isCheck && part.getClass().getSimpleName().equals("BoolAnd")) add("undecided", node, (Expression) part.children().apply(0), new Expression[] {(Expression) part.children().apply(0)});
        if (part instanceof Count && ((Count) part).children().length() == 1) countedApart(node, part);
        if (part instanceof SortOrder) ordered(node, ((SortOrder) part).child());
        else if (part instanceof Max) ordered(node, ((Max) part).child());
        else if (part instanceof Min) ordered(node, ((Min) part).child());
        else if (part instanceof MaxMinBy) ordered(node, ((MaxMinBy) part).orderingExpr());
        else if (part instanceof Greatest || part instanceof Least) orderedAll(node, part);
        else if (part instanceof LessThan || part instanceof GreaterThan || part instanceof LessThanOrEqual || part instanceof GreaterThanOrEqual) compared(node, part);
        else if (part instanceof Multiply || part instanceof Divide) cut(node, part);
        else if (part instanceof Cast && part.dataType() instanceof DateType) zoned("zone-day", node, ((Cast) part).child());
        else if (part instanceof TruncTimestamp && isOfDays(((TruncTimestamp) part).format())) zoned("zone-day", node, ((TruncTimestamp) part).timestamp());
        else if (part instanceof Hour) zoned("zone-hour", node, ((Hour) part).child());
        else if (part instanceof DateFormatClass) zoned(isOfHours(((DateFormatClass) part).right()) ? "zone-hour" : "zone-day", node, ((DateFormatClass) part).left());
        else if (part instanceof EqualTo && node instanceof Join) keys((Join) node, part);
        else if (part instanceof Not && ((Not) part).child() instanceof InSubquery) without(node, (InSubquery) ((Not) part).child());
    }

    /** A text that is looked for among others, which may be written otherwise. */
    private void sought(LogicalPlan node, Expression one, Expression other) {
        boolean isTurned = one instanceof Literal;
        Expression value = isTurned ? other : one, text = isTurned ? one : other;
        boolean isText = value.dataType() instanceof StringType && text.dataType() instanceof StringType;
        if (isText && text instanceof Literal && ((Literal) text).value() != null && isKey(value)) add("sought", node, value, new Expression[] {value, text});
    }

    /** A text with a letter behind its digits, or a word that Spark takes for a number. */
    private void suffixed(LogicalPlan node, Cast cast) {
        boolean isToDouble = cast.dataType() instanceof DoubleType || cast.dataType() instanceof FloatType;
        Expression text = cast.child();
        if (isToDouble && text.dataType() instanceof StringType && !text.foldable()) add("suffix", node, text, new Expression[] {text});
    }

    /** Seconds since 1970, which may be milliseconds. */
    private void seconds(LogicalPlan node, Expression value) {
        if (value instanceof Cast && ((Cast) value).child().dataType() instanceof NumericType) seconds(node, ((Cast) value).child());
        else if (value.dataType() instanceof NumericType) add("seconds", node, value, new Expression[] {value});
    }

    /** count(DISTINCT text): written in two ways it is counted twice. */
    private void countedApart(LogicalPlan node, Expression count) {
        Expression key = (Expression) count.children().apply(0);
        if (apart.contains(count) && key.dataType() instanceof StringType && isKey(key)) add("group", node, key, new Expression[] {key});
    }

    /** A time whose column is said to be of another zone than that of all days and hours here, UTC. */
    private void zoned(String kind, LogicalPlan node, Expression value) {
        if (!(value instanceof Attribute) || !(value.dataType() instanceof TimestampType)) return;
        Metadata known = ((Attribute) value).metadata();
        String zone = known.contains("timezoneId") ? known.getString("timezoneId") : "";
        if (ZoneId.getAvailableZoneIds().contains(zone)) add(kind, node, value, new Expression[] {value, org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(zone)});
    }

    private static boolean isOfDays(Expression unit) {
        return !(unit instanceof Literal) || !String.valueOf(((Literal) unit).value()).matches("(?i)hour|minute|second|millisecond|microsecond");
    }

    /** Whether a pattern tells hours. */
    private static boolean isOfHours(Expression pattern) {
        return pattern instanceof Literal && String.valueOf(((Literal) pattern).value()).matches(".*[HhKka].*");
    }

    /** A text that becomes a number although nobody said so. */
    private void turned(LogicalPlan node, Expression around, Expression value) {
        if (!(value instanceof Cast) || !(value.dataType() instanceof NumericType)) return;
        Expression text = ((Cast) value).child();
        boolean isSaid = ((Cast) value).getTagValue(org.apache.spark.sql.catalyst.expressions.Cast$.MODULE$.USER_SPECIFIED_CAST()).isDefined();
        if (isSaid || !(text.dataType() instanceof StringType) || text.foldable()) return;
        if (GIVES_VALUES.contains(around.getClass().getSimpleName())) add("zeros", node, text, new Expression[] {text});
        if (value.dataType() instanceof DoubleType || value.dataType() instanceof FloatType) add("double", node, text, new Expression[] {text});
    }

    /** Both sides of a join on texts, one behind the other. */
    private void keys(Join join, Expression part) {
        Expression one = (Expression) part.children().apply(0), other = (Expression) part.children().apply(1);
        Expression[] left = new Expression[] {one}, right = new Expression[] {other};
        boolean isTurned = !has(join.left(), left);
        if (!(one.dataType() instanceof StringType) || !isSafe(one, false) || !isSafe(other, false) || points.size() + 2 > MOST) return;
        if (!has(join.left(), isTurned ? right : left) || !has(join.right(), isTurned ? left : right)) return;
        if (origins.isFromParquet(one) || origins.isFromParquet(other)) return;
        points.add(new ValuePoint("key-left", join, isTurned ? 1 : 0, one, left));
        points.add(new ValuePoint("key-right", join, isTurned ? 0 : 1, other, right));
    }

    private void orderedAll(LogicalPlan node, Expression part) {
        scala.collection.Iterator children = part.children().iterator();
        while (children.hasNext()) ordered(node, meant(children.next()));
    }

    private void ordered(LogicalPlan node, Expression value) {
        if (value.dataType() instanceof StringType && !value.foldable() && !origins.isMeant(value)) add("order", node, value, new Expression[] {value});
    }

    private void compared(LogicalPlan node, Expression part) {
        orderedAll(node, part);
        Expression left = meant(part.children().apply(0)), right = meant(part.children().apply(1));
        if (part instanceof LessThanOrEqual && isDay(right)) add("midnight", node, left, new Expression[] {left, right});
        if (part instanceof GreaterThanOrEqual && isDay(left)) add("midnight", node, right, new Expression[] {right, left});
    }

    /** Whether a time was a day before it was compared with a time: midnight stands for all of it. */
    private static boolean isDay(Expression value) {
        if (!(value instanceof Cast) || !value.dataType().typeName().startsWith("timestamp")) return false;
        Expression before = ((Cast) value).child();
        boolean isText = before instanceof Literal && before.dataType() instanceof StringType;
        return before.dataType() instanceof DateType || (isText && String.valueOf(((Literal) before).value()).trim().matches("[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"));
    }

    private void cut(LogicalPlan node, Expression part) {
        if (!(part.dataType() instanceof DecimalType) || part.foldable()) return;
        Expression left = (Expression) part.children().apply(0), right = (Expression) part.children().apply(1);
        if (!(left.dataType() instanceof DecimalType) || !(right.dataType() instanceof DecimalType)) return;
        DecimalType one = (DecimalType) left.dataType(), other = (DecimalType) right.dataType();
        int wanted = part instanceof Multiply ? one.scale() + other.scale() : Math.max(6, one.scale() + other.precision() + 1);
        if (((DecimalType) part.dataType()).scale() < wanted) add(part instanceof Multiply ? "product" : "quotient", node, part, new Expression[] {left, right});
    }

    private void without(LogicalPlan node, InSubquery part) {
        ListQuery list = part.query();
        if (!isAlone(list) || part.values().length() != 1) return;
        Attribute given = (Attribute) list.plan().output().apply(0);
        if (!given.nullable() || points.size() >= MOST) return;
        points.add(new ValuePoint("null-in-list", list.plan(), ValuePoint.LIST, (Expression) given, new Expression[] {(Expression) given}));
    }

    /** Notes a place once: at the child that has all the values; below joins at the side that has them. */
    private void add(String kind, LogicalPlan node, Expression shown, Expression[] values) {
        boolean isOfGroups = node instanceof Aggregate && hasAggregate(values);
        for (int i = 0; i < values.length; i++) if (!isSafe(values[i], isOfGroups)) return;
        if (isOfGroups) put(kind, node, ValuePoint.GROUPS, shown, values);
        if (isOfGroups) return;
        for (int side = 0; side < node.children().length(); side++) {
            if (!has((LogicalPlan) node.children().apply(side), values)) continue;
            boolean isFiltered = node instanceof Filter || node instanceof Join;
            if (isFiltered && origins.isFromParquet(values[0])) { // a counter would keep the filter from being pushed into the files
                if (kind.equals("order") && node instanceof Filter) put(kind, (LogicalPlan) node.children().apply(side), ValuePoint.ASKED, shown, values);
                return;
            }
            LogicalPlan place = node;
            int child = side;
            boolean goesOn = true;
            while (goesOn) {
                goesOn = false;
                LogicalPlan below = (LogicalPlan) place.children().apply(child);
                for (int inner = 0; below instanceof Join && inner < 2 && !goesOn; inner++) {
                    if (!has((LogicalPlan) below.children().apply(inner), values)) continue;
                    place = below;
                    child = inner;
                    goesOn = true;
                }
            }
            put(kind, place, child, shown, values);
            return;
        }
    }

    private void put(String kind, LogicalPlan node, int child, Expression shown, Expression[] values) {
        for (int i = 0; i < points.size(); i++) {
            ValuePoint known = (ValuePoint) points.get(i);
            if (known.kind.equals(kind) && known.values[0].semanticEquals(values[0]) && (!kind.equals("sought") || known.values[1].semanticEquals(values[1])) && (kind.equals("order") || known.shown.semanticEquals(shown))) return;
        }
        if (points.size() < MOST) points.add(new ValuePoint(kind, node, child, shown, values));
    }

    private static boolean has(LogicalPlan child, Expression[] values) {
        boolean hasAny = false;
        for (int i = 0; i < values.length; i++) {
            if (!values[i].references().subsetOf(child.outputSet())) return false;
            hasAny = hasAny || values[i].references().nonEmpty();
        }
        return hasAny;
    }

    /** Whether it can be worked out for any row by itself and without an error: what a query guards by a condition is not guarded here. */
    private static boolean isSafe(Expression value, boolean isOfGroups) {
        if (!value.deterministic()) return false;
        ArrayDeque waiting = new ArrayDeque();
        waiting.add(value);
        while (!waiting.isEmpty()) {
            Expression next = (Expression) waiting.removeFirst();
            boolean isKnown = next instanceof Cast ? isSafe((Cast) next) : SAFE.contains(next.getClass().getSimpleName());
            if (isOfGroups && next instanceof AggregateExpression) continue; // worked out for each group whatever the query guards
            if (!isKnown) return false;
            addAll(next.children().iterator(), waiting);
        }
        return true;
    }

    private static boolean hasAggregate(Expression[] values) {
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

    private static boolean isSafe(Cast cast) {
        DataType from = cast.child().dataType(), to = cast.dataType();
        if (cast.child() instanceof Literal || from.getClass() == to.getClass() && !(to instanceof DecimalType)) return true;
        if (from instanceof DateType) return to.typeName().startsWith("timestamp");
        return to instanceof DecimalType && from instanceof NumericType && ((DecimalType) to).isWiderThan(from);
    }

    // --- counting

    /**
     * The query with a counter at each place. `names`: of the counters, one a line, an empty one for a place that is left alone; `counts`:
     * for each the SQL of what is counted, with a record separator between places and a unit separator between counts, in which
     * _sluice_value_0, _sluice_value_1 … are the place's values.
     */
    public Dataset counting(org.apache.spark.sql.classic.SparkSession session, String names, String counts) throws ParseException {
        String[] called = names.split("\n", -1), wanted = counts.split(RECORD, -1);
        ParserInterface parser = session.sessionState().sqlParser();
        List metrics = new ArrayList();
        for (int i = 0; i < points.size(); i++) metrics.add(parsed(parser, wanted[i].split(UNIT, -1)));
        ValueCounters counters = new ValueCounters(points, called, metrics);
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, counters.rebuilt(plan));
    }

    /** What stands at a place, as column k, and the same as all of its kind could be written, as column c. */
    public Dataset valuesAt(org.apache.spark.sql.classic.SparkSession session, int place) {
        ValuePoint point = (ValuePoint) points.get(place);
        LogicalPlan rows = point.child == ValuePoint.OVER ? point.node : (LogicalPlan) point.node.children().apply(point.child);
        List columns = new ArrayList();
        columns.add(ValueCounters.alias(point.values[0], "k"));
        columns.add(ValueCounters.alias(ValueCounters.plainly(point.values[0]), "c"));
        LogicalPlan made = new org.apache.spark.sql.catalyst.plans.logical.Project(CollectionConverters.asScala(columns).toSeq(), rows);
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, made);
    }

    /** What is counted at a place that no counter stands at, as column _sluice_value_0. */
    public Dataset askedAt(org.apache.spark.sql.classic.SparkSession session, int place) {
        ValuePoint point = (ValuePoint) points.get(place);
        List columns = new ArrayList();
        columns.add(ValueCounters.alias(ValueCounters.counted(point.kind, point.values[0]), "_sluice_value_0"));
        LogicalPlan made = new org.apache.spark.sql.catalyst.plans.logical.Project(CollectionConverters.asScala(columns).toSeq(), point.node);
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, made);
    }

    private static scala.collection.immutable.Seq parsed(ParserInterface parser, String[] counts) throws ParseException {
        List metrics = new ArrayList();
        for (int i = 0; i < counts.length; i++) metrics.add(parser.parseExpression(counts[i] + " AS n" + i));
        return CollectionConverters.asScala(metrics).toSeq();
    }
}
