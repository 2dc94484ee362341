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
import org.apache.spark.sql.catalyst.expressions.And;
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
    static final Expression[] NONE = new Expression[0];
    private static final int MOST = 60, MOST_SOUGHT = 6, DEEPEST = 400;
    private static final String UNIT = "\u001f", RECORD = "\u001e";
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

    /** Of each place: kind, label, first and last sign in the query's text (-1 where unknown), whether it is to be asked for, the columns that it compares; with unit separators, and a record separator. */
    public String points() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < points.size(); i++) {
            ValuePoint point = (ValuePoint) points.get(i);
            Expression written = point.written == null ? point.shown : point.written;
            scala.Option from = written.origin().startIndex(), to = written.origin().stopIndex();
            text.append(point.kind).append(UNIT).append(label(point.shown)).append(UNIT);
            text.append(from.isDefined() ? from.get() : "-1").append(UNIT).append(to.isDefined() ? to.get() : "-1").append(UNIT);
            text.append(point.child == ValuePoint.ASKED || point.isSilent ? 1 : 0).append(UNIT).append(names(point.parts)).append(RECORD);
        }
        return text.toString();
    }

    /** The columns that are compared, by name, with a group separator between them; empty for what is no column. */
    private static String names(Expression[] parts) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < parts.length; i++) text.append(i == 0 ? "" : "\u001d").append(parts[i] instanceof Attribute ? ((Attribute) parts[i]).name() : "");
        return text.toString();
    }

    private static String label(Expression shown) {
        if (shown instanceof NamedExpression) return ((NamedExpression) shown).name();
        return org.apache.spark.sql.catalyst.util.package$.MODULE$.toPrettySQL(shown, false);
    }

    // --- finding

    private void look(LogicalPlan node, int depth) {
        if (node instanceof View || depth > DEEPEST) return;
        new GroupLook(this, node).find();
        new NullLook(this, node).find();
        new ResultLook(this, node).find();
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

    boolean isKey(Expression key) {
        return key.deterministic() && !key.foldable() && !origins.isMeant(key);
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
        if (part instanceof EqualTo) dayAlone(node, (Expression) part.children().apply(0), (Expression) part.children().apply(1));
        if (part instanceof EqualTo) sought(node, (Expression) part.children().apply(0), (Expression) part.children().apply(1));
        if (part instanceof In) for (int i = 1; i < Math.min(part.children().length(), MOST_SOUGHT); i++) sought(node, (Expression) part.children().apply(0), (Expression) part.children().apply(i));
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
        else if (part instanceof EqualTo && (node instanceof Join || node instanceof Filter && ((Filter) node).child() instanceof Join)) new KeyLook(this, origins, node).ofJoin(part);
        else if (part instanceof InSubquery) new KeyLook(this, origins, node).ofList((InSubquery) part);
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

    void addAll(List found) {
        for (int i = 0; i < found.size() && points.size() < MOST; i++) points.add(found.get(i));
    }

    /** Both sides of what compares keys, one behind the other. */
    void addBoth(ValuePoint left, ValuePoint right) {
        if (points.size() + 2 > MOST) return;
        points.add(left);
        points.add(right);
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

    /** A day that equals a time is its midnight. */
    private void dayAlone(LogicalPlan node, Expression one, Expression other) {
        Expression day = isDay(one) ? one : other, time = isDay(one) ? other : one;
        if (!isDay(day) || isDay(time) || !time.dataType().typeName().startsWith("timestamp")) return;
        if (node instanceof Join && !day.foldable()) add("time-of-day", node, time, new Expression[] {time});
        else add("day-alone", node, time, new Expression[] {time, day});
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
    void add(String kind, LogicalPlan node, Expression shown, Expression[] values, Expression written) {
        int before = points.size();
        add(kind, node, shown, values);
        if (points.size() > before) ((ValuePoint) points.get(before)).written = written;
    }

    void add(String kind, LogicalPlan node, Expression shown, Expression[] values) {
        boolean isOfGroups = node instanceof Aggregate && ValueSafety.hasAggregate(values);
        for (int i = 0; i < values.length; i++) if (!ValueSafety.isSafe(values[i], isOfGroups)) return;
        addKnown(kind, node, shown, values);
    }

    /** As `add`, of values that are known to fail for no row. */
    void addKnown(String kind, LogicalPlan node, Expression shown, Expression[] values) {
        boolean isOfGroups = node instanceof Aggregate && ValueSafety.hasAggregate(values);
        if (isOfGroups) put(kind, node, ValuePoint.GROUPS, shown, values);
        if (isOfGroups) return;
        for (int side = 0; side < node.children().length(); side++) {
            if (!ValueSafety.has((LogicalPlan) node.children().apply(side), values)) continue;
            boolean isFiltered = node instanceof Filter || node instanceof Join;
            boolean isAsked = isFiltered && origins.isFromParquet(values[0]); // a counter would keep the filter from being pushed into the files
            LogicalPlan place = node;
            int child = side;
            boolean goesOn = true;
            while (goesOn) {
                goesOn = false;
                LogicalPlan below = (LogicalPlan) place.children().apply(child);
                for (int inner = 0; below instanceof Join && inner < 2 && !goesOn; inner++) {
                    if (!ValueSafety.has((LogicalPlan) below.children().apply(inner), values)) continue;
                    place = below;
                    child = inner;
                    goesOn = true;
                }
            }
            if (isAsked) put(new ValuePoint(kind, (LogicalPlan) place.children().apply(child), ValuePoint.ASKED, shown, values, NONE, narrow(kind, values)));
            else put(kind, place, child, shown, values);
            return;
        }
    }

    /** Rows beside which nothing is found: files know of many of their rows that they are not among these. */
    private static Expression narrow(String kind, Expression[] values) {
        if (kind.equals("midnight") || kind.equals("day-alone")) return new GreaterThan(values[0], values[1]);
        return null;
    }

    /**
     * Notes a condition that is neither true nor false where a value is missing (`missing`, of which `narrow` is the least). `others`: what
     * else must hold of these rows; `parts`: what is compared.
     */
    void addMissing(String kind, LogicalPlan node, Expression shown, Expression missing, Expression narrow, List others, Expression[] parts) {
        Expression[] own = new Expression[] {missing};
        if (!ValueSafety.isSafe(missing, false)) return;
        for (int side = 0; side < node.children().length(); side++) {
            LogicalPlan rows = (LogicalPlan) node.children().apply(side), place = node;
            if (!ValueSafety.has(rows, own)) continue;
            int child = side;
            for (int inner = 0; rows instanceof Join && inner < 2; inner++) {
                if (!ValueSafety.has((LogicalPlan) rows.children().apply(inner), own) || !keeps((Join) rows, inner)) continue;
                place = rows;
                child = inner;
                rows = (LogicalPlan) rows.children().apply(inner);
                inner = -1;
            }
            if (rows instanceof Join && !((Join) rows).condition().isDefined()) return; // a condition behind it may choose among the pairs
            Expression value = missing;
            for (int i = 0; i < others.size(); i++) {
                Expression other = (Expression) others.get(i);
                if (ValueSafety.isSafe(other, false) && other.references().subsetOf(rows.outputSet())) value = new And(value, other);
            }
            boolean isAsked = (node instanceof Filter || node instanceof Join) && origins.isFromParquet(missing);
            put(new ValuePoint(kind, isAsked ? rows : place, isAsked ? ValuePoint.ASKED : child, shown, new Expression[] {value}, parts, narrow));
            return;
        }
    }

    /** Whether a join gives values of this side (0 left, 1 right) as they are, and not none where there is no partner. */
    private static boolean keeps(Join join, int side) {
        String kind = join.joinType().toString();
        return kind.equals("Inner") || kind.equals("Cross") || kind.equals(side == 0 ? "LeftOuter" : "RightOuter") || (side == 0 && kind.startsWith("Left"));
    }

    void put(String kind, LogicalPlan node, int child, Expression shown, Expression[] values) {
        put(new ValuePoint(kind, node, child, shown, values));
    }

    private void put(ValuePoint made) {
        String kind = made.kind;
        Expression shown = made.shown;
        Expression[] values = made.values;
        for (int i = 0; i < points.size(); i++) {
            ValuePoint known = (ValuePoint) points.get(i);
            if (known.kind.equals(kind) && known.values[0].semanticEquals(values[0]) && (!kind.equals("sought") || known.values[1].semanticEquals(values[1])) && (kind.equals("order") || known.shown.semanticEquals(shown))) return;
        }
        if (points.size() < MOST) points.add(made);
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
        LogicalPlan rows = point.child == ValuePoint.OVER || point.child == ValuePoint.LIST ? point.node : (LogicalPlan) point.node.children().apply(point.child);
        List columns = new ArrayList();
        columns.add(ValueCounters.alias(point.values[0], "k"));
        columns.add(ValueCounters.alias(ValueCounters.plainly(point), "c"));
        LogicalPlan made = new org.apache.spark.sql.catalyst.plans.logical.Project(CollectionConverters.asScala(columns).toSeq(), rows);
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, made);
    }

    /** All rows at a place that no counter stands at. */
    public long rowsAt(org.apache.spark.sql.classic.SparkSession session, int place) {
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, ((ValuePoint) points.get(place)).node).count();
    }

    /** What is counted at a place that no counter stands at, as columns _sluice_value_0, …. */
    public Dataset askedAt(org.apache.spark.sql.classic.SparkSession session, int place) {
        ValuePoint point = (ValuePoint) points.get(place);
        List columns = new ArrayList();
        for (int i = 0; i < point.values.length; i++) columns.add(ValueCounters.alias(ValueCounters.counted(point, i), "_sluice_value_" + i));
        LogicalPlan rows = point.narrow == null ? point.node : new Filter(point.narrow, point.node);
        LogicalPlan made = new org.apache.spark.sql.catalyst.plans.logical.Project(CollectionConverters.asScala(columns).toSeq(), rows);
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, made);
    }

    private static scala.collection.immutable.Seq parsed(ParserInterface parser, String[] counts) throws ParseException {
        List metrics = new ArrayList();
        for (int i = 0; i < counts.length; i++) metrics.add(parser.parseExpression(counts[i] + " AS n" + i));
        return CollectionConverters.asScala(metrics).toSeq();
    }
}
