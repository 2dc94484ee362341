package sluice;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.CommonExpressionDef;
import org.apache.spark.sql.catalyst.expressions.CommonExpressionRef;
import org.apache.spark.sql.catalyst.expressions.Divide;
import org.apache.spark.sql.catalyst.expressions.EqualNullSafe;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GreaterThan;
import org.apache.spark.sql.catalyst.expressions.GreaterThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.Greatest;
import org.apache.spark.sql.catalyst.expressions.In;
import org.apache.spark.sql.catalyst.expressions.InSubquery;
import org.apache.spark.sql.catalyst.expressions.IsNotNull;
import org.apache.spark.sql.catalyst.expressions.IsNull;
import org.apache.spark.sql.catalyst.expressions.Least;
import org.apache.spark.sql.catalyst.expressions.LessThan;
import org.apache.spark.sql.catalyst.expressions.LessThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.ListQuery;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Multiply;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.Or;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.expressions.With;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateFunction;
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
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.unsafe.types.UTF8String;
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
    private static final Set SEES_NAN = new HashSet(Arrays.asList(new Object[] {"Count", "SortOrder", "Max", "MaxBy", "MinBy", "Greatest"}));
    private static final Pattern MEASURES = Pattern.compile("(try_)?(sum|avg|mean)|std.*|var.*|skewness|kurtosis|corr|covar_.*|regr_.*|median|.*percentile.*");
    private static final Pattern REACHED_THROUGH = Pattern.compile("Add|Subtract|Multiply|Divide|UnaryMinus|Abs|Round|Cast|(Try)?ToNumber");
    private final LogicalPlan plan;
    private final boolean isCheck;
    private final List points = new ArrayList();
    private final Map common = new HashMap();
    private final List apart = new ArrayList();
    private final ValueOrigins origins;
    private final AskedFor asked;
    private final UsedColumns used;
    private final Set read;

    /** `isCheck`: the query says yes or no, and what it cannot decide is left out. `numbersLater`: columns, in small letters, that later queries make numbers of, with a unit separator behind each. */
    public ValueLook(LogicalPlan plan, boolean isCheck, String numbersLater) {
        this.plan = plan;
        this.isCheck = isCheck;
        this.origins = new ValueOrigins(plan);
        this.asked = new AskedFor(plan);
        this.used = new UsedColumns(plan);
        this.read = StripLook.read(plan, numbersLater.split("\u001f"));
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
        new PickLook(this, used, node).find();
        new WordLook(this, asked, node).find();
        new TimeLook(this, node).find();
        new StripLook(this, node, read).find();
        new BranchLook(this, node).find();
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

    boolean isWord(Expression key) {
        return key.dataType() instanceof StringType && key.deterministic() && !key.foldable();
    }

    /** Texts that somebody said are text are one word in several ways of writing, but not one number. */
    String groupKind(Expression key) {
        return origins.isMeant(key) ? "group-words" : "group";
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
        new TimeLook(this, node).at(part);
        if (part instanceof EqualTo || part instanceof EqualNullSafe) sought(node, meant(part.children().apply(0)), meant(part.children().apply(1)));
        if (part instanceof SubqueryExpression && !isAlone((SubqueryExpression) part) && hasRoom()) new KeyLook(this, origins, node).ofCorrelated((SubqueryExpression) part);
        if (part instanceof In) for (int i = 1; i < Math.min(part.children().length(), MOST_SOUGHT); i++) sought(node, (Expression) part.children().apply(0), (Expression) part.children().apply(i));
        if (part instanceof Cast) suffixed(node, (Cast) part);
        if (part instanceof Count && ((Count) part).children().length() > 1 && apart.contains(part)) countedWhole(node, part);
        if (isCheck && part.getClass().getSimpleName().equals("BoolAnd")) add("undecided", node, (Expression) part.children().apply(0), new Expression[] {(Expression) part.children().apply(0)});
        if (part instanceof Count && ((Count) part).children().length() == 1) countedApart(node, part);
        noNumbers(node, part);
        if (part instanceof SortOrder) ordered(node, ((SortOrder) part).child());
        else if (part instanceof Max) ordered(node, ((Max) part).child());
        else if (part instanceof Min) ordered(node, ((Min) part).child());
        else if (part instanceof MaxMinBy) ordered(node, ((MaxMinBy) part).orderingExpr());
        else if (part instanceof Greatest || part instanceof Least) orderedAll(node, part);
        else if (part instanceof LessThan || part instanceof GreaterThan || part instanceof LessThanOrEqual || part instanceof GreaterThanOrEqual) compared(node, part);
        else if (part instanceof Multiply || part instanceof Divide) cut(node, part);
        else if (part instanceof AggregateFunction && MEASURES.matcher(part.prettyName()).matches()) summedAll(node, part.children().iterator());
        else if (part instanceof EqualTo && (node instanceof Join || node instanceof Filter && ((Filter) node).child() instanceof Join)) new KeyLook(this, origins, node).ofJoin(part);
        else if (part instanceof InSubquery) new KeyLook(this, origins, node).ofList((InSubquery) part);
        else if (part instanceof Not && ((Not) part).child() instanceof InSubquery) without(node, (InSubquery) ((Not) part).child());
    }

    /** Numbers of a column that are added, among which some may stand for no value. */
    private void summed(LogicalPlan node, Expression value) {
        if (value instanceof Attribute && hasRoom() && origins.isMarked("standIns", value)) {
            boolean isText = value.dataType() instanceof StringType;
            if (isText || value.dataType() instanceof NumericType) add(isText ? "stand-in-text" : "stand-in", node, value, new Expression[] {value});
        }
        if (REACHED_THROUGH.matcher(value.getClass().getSimpleName()).matches()) summedAll(node, value.children().iterator());
    }

    private void summedAll(LogicalPlan node, scala.collection.Iterator values) {
        while (values.hasNext()) summed(node, (Expression) values.next());
    }

    /** A text that is looked for among others, which may be written otherwise. */
    private void sought(LogicalPlan node, Expression one, Expression other) {
        boolean isTurned = one instanceof Literal;
        Expression value = isTurned ? other : one, text = isTurned ? one : other;
        boolean isText = value.dataType() instanceof StringType && text.dataType() instanceof StringType;
        boolean isSought = isText && text instanceof Literal && ((Literal) text).value() != null && value.deterministic() && !value.foldable();
        if (isSought) add(origins.isMeant(value) ? "sought-word" : "sought", node, value, new Expression[] {value, text});
    }

    /** A text with a letter behind its digits, or a word that Spark takes for a number. */
    private void suffixed(LogicalPlan node, Cast cast) {
        boolean isToDouble = cast.dataType() instanceof DoubleType || cast.dataType() instanceof FloatType;
        Expression text = cast.child();
        if (isToDouble && text.dataType() instanceof StringType && !text.foldable()) add("suffix", node, text, new Expression[] {text});
    }

    /** count(DISTINCT text): written in two ways it is counted twice. */
    private void countedApart(LogicalPlan node, Expression count) {
        Expression key = (Expression) count.children().apply(0);
        if (apart.contains(count) && isWord(key)) add(groupKind(key), node, key, new Expression[] {key, key});
    }

    /** count(DISTINCT a, b) leaves out rows in which one of both has no value. */
    private void countedWhole(LogicalPlan node, Expression count) {
        Expression none = null, some = null;
        for (int i = 0; i < count.children().length(); i++) {
            Expression column = (Expression) count.children().apply(i);
            none = none == null ? new IsNull(column) : (Expression) new Or(none, new IsNull(column));
            some = some == null ? new IsNotNull(column) : (Expression) new Or(some, new IsNotNull(column));
        }
        add("distinct-part", node, count, new Expression[] {new And(none, some)});
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

    /** Whether there is room for places that matter less. */
    Expression meaning(Expression column) {
        return origins.meaning(column);
    }

    boolean hasRoom() {
        return points.size() < MOST / 2;
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
        long beside = 0L;
        for (int i = 0; i < part.children().length(); i++) beside |= shapeOf(meant(part.children().apply(i)));
        for (int i = 0; i < part.children().length(); i++) ordered(node, meant(part.children().apply(i)), beside);
    }

    /** How a text of the query is written, which stands in order with the texts of a column: 2024-1-5 comes behind 2024-01-31. */
    private static long shapeOf(Expression text) {
        boolean isText = text instanceof Literal && text.dataType() instanceof StringType && ((Literal) text).value() != null;
        return isText ? TextShape.of((UTF8String) ((Literal) text).value()) : 0L;
    }

    private void ordered(LogicalPlan node, Expression value) {
        ordered(node, value, 0L);
    }

    private void ordered(LogicalPlan node, Expression value, long beside) {
        if (!(value.dataType() instanceof StringType) || value.foldable()) return;
        if (origins.isCalled(value)) add("order-called", node, value, new Expression[] {value, bits(beside)});
        else if (!origins.isMeant(value)) add("order", node, value, new Expression[] {value, bits(beside)});
    }

    /** NaN, as some programs write what is missing, is counted and above all numbers. */
    private void noNumbers(LogicalPlan node, Expression part) {
        String kind = part.getClass().getSimpleName();
        if (SEES_NAN.contains(kind)) for (int i = 0; i < part.children().length(); i++) noNumber(node, (Expression) part.children().apply(i));
        else if (part instanceof GreaterThan || part instanceof GreaterThanOrEqual) noNumber(node, (Expression) part.children().apply(0));
        else if (part instanceof LessThan || part instanceof LessThanOrEqual) noNumber(node, (Expression) part.children().apply(1));
    }

    private void noNumber(LogicalPlan node, Expression value) {
        boolean isDouble = value.dataType() instanceof DoubleType || value.dataType() instanceof FloatType;
        if (!isDouble || !hasRoom() || !origins.isMarked("noNumbers", value)) return;
        scala.collection.Iterator parts = node.expressions().iterator();
        while (parts.hasNext()) if (((Expression) parts.next()).exists(new IsOf("IsNaN", null))) return; // seen to
        add("no-number", node, value, new Expression[] {value});
    }

    private static Literal bits(long bits) {
        return org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(Long.valueOf(bits));
    }

    private void compared(LogicalPlan node, Expression part) {
        orderedAll(node, part);
        Expression left = meant(part.children().apply(0)), right = meant(part.children().apply(1));
        if (part instanceof LessThanOrEqual && TimeLook.isDay(right)) add("midnight", node, left, new Expression[] {left, right});
        if (part instanceof GreaterThanOrEqual && TimeLook.isDay(left)) add("midnight", node, right, new Expression[] {right, left});
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

    /** A typed time, of which the texts are asked whether they say a zone of their own. */
    void addZoned(Attribute time) {
        Object[] found = origins.zonedText(time);
        if (found != null && found[0] != null) put(new ValuePoint("zone-text", (LogicalPlan) found[0], ValuePoint.ASKED, time, new Expression[] {(Expression) found[1]}));
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

    /** Whether a value comes to a plan as it was read, and is not missing for want of a partner in a join. */
    boolean isAsRead(LogicalPlan node, Expression value) {
        Expression[] values = new Expression[] {value};
        for (int side = 0; side < node.children().length(); side++) {
            LogicalPlan rows = (LogicalPlan) node.children().apply(side);
            if (!ValueSafety.has(rows, values)) continue;
            if (node instanceof Join && !keeps((Join) node, side)) return false;
            return !(rows instanceof Join) && !(rows instanceof Filter) || isAsRead(rows, value);
        }
        return true;
    }

    /** Whether a join gives values of this side (0 left, 1 right) as they are, and not none where there is no partner. */
    private static boolean keeps(Join join, int side) {
        String kind = join.joinType().toString();
        return kind.equals("Inner") || kind.equals("Cross") || kind.equals(side == 0 ? "LeftOuter" : "RightOuter") || (side == 0 && kind.startsWith("Left"));
    }

    /** `values`: null where there is nothing to count. */
    void put(String kind, LogicalPlan node, int child, Expression shown, Expression[] values) {
        if (values != null) put(new ValuePoint(kind, node, child, shown, values));
    }

    private void put(ValuePoint made) {
        String kind = made.kind;
        Expression shown = made.shown;
        Expression[] values = made.values;
        for (int i = 0; i < points.size(); i++) {
            ValuePoint known = (ValuePoint) points.get(i);
            boolean isSame = known.kind.equals(kind) && known.values[0].semanticEquals(values[0]) && (!kind.startsWith("sought") || known.values[1].semanticEquals(values[1]));
            if (!isSame || !kind.startsWith("order") && !known.shown.semanticEquals(shown)) continue;
            if ((known.child == ValuePoint.ASKED) != (made.child == ValuePoint.ASKED)) continue;
            if (kind.startsWith("order")) known.values[1] = values[1] = bits(bitsOf(known) | bitsOf(made));
            if (known.node != made.node && known.child >= 0 && made.child >= 0) points.set(i, made); // further below, where no condition has left out rows yet
            return;
        }
        if (points.size() < MOST) points.add(made);
    }

    private static long bitsOf(ValuePoint order) {
        return ((Long) ((Literal) order.values[1]).value()).longValue();
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
        ValueCounters counters = new ValueCounters(points, called, metrics, used);
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, counters.rebuilt(plan));
    }

    /** What stands at a place, as column k, and the same as all of its kind could be written, as column c. */
    public Dataset valuesAt(org.apache.spark.sql.classic.SparkSession session, int place) {
        ValuePoint point = (ValuePoint) points.get(place);
        LogicalPlan rows = point.child == ValuePoint.OVER || point.child == ValuePoint.LIST ? point.node : (LogicalPlan) point.node.children().apply(point.child);
        List columns = new ArrayList();
        columns.add(ValueCounters.alias(point.values[0], "k"));
        columns.add(ValueCounters.alias(ValueCounters.plainly(point), "c"));
        if (point.kind.startsWith("group")) {
            columns.add(ValueCounters.alias(ValueCounters.ofKey("word", point), "w"));
            columns.add(ValueCounters.alias(ValueCounters.ofKey("formOf", point), "f"));
        }
        LogicalPlan made = new org.apache.spark.sql.catalyst.plans.logical.Project(CollectionConverters.asScala(columns).toSeq(), rows);
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, made);
    }

    /** What may be the id of the table that a key of groups comes from, see `IdLook`; null where there is none. */
    public Dataset idsAt(org.apache.spark.sql.classic.SparkSession session, int place) {
        LogicalPlan ids = new IdLook().beside((ValuePoint) points.get(place));
        return ids == null ? null : org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, ids);
    }

    /** All rows at a place that no counter stands at. */
    public long rowsAt(org.apache.spark.sql.classic.SparkSession session, int place) {
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, ((ValuePoint) points.get(place)).node).count();
    }

    /** The rows that are asked at a place that no counter stands at. */
    public LogicalPlan askedRows(int place) {
        ValuePoint point = (ValuePoint) points.get(place);
        return point.narrow == null ? point.node : new Filter(point.narrow, point.node);
    }

    /**
     * What is counted at places that no counter stands at, and whose rows are the same (`askedRows`), columns and all: as columns
     * _sluice_value_0_0, …; the first number is that of the place here. `looks`, `places`: each of a look, and its number there.
     */
    public static Dataset askedAt(org.apache.spark.sql.classic.SparkSession session, List looks, List places) {
        List columns = new ArrayList();
        for (int n = 0; n < places.size(); n++) {
            ValuePoint point = (ValuePoint) ((ValueLook) looks.get(n)).points.get(((Integer) places.get(n)).intValue());
            for (int i = 0; i < point.values.length; i++) columns.add(ValueCounters.alias(ValueCounters.counted(point, i), "_sluice_value_" + n + "_" + i));
        }
        LogicalPlan rows = ((ValueLook) looks.get(0)).askedRows(((Integer) places.get(0)).intValue());
        LogicalPlan made = new org.apache.spark.sql.catalyst.plans.logical.Project(CollectionConverters.asScala(columns).toSeq(), rows);
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, made);
    }

    private static scala.collection.immutable.Seq parsed(ParserInterface parser, String[] counts) throws ParseException {
        List metrics = new ArrayList();
        for (int i = 0; i < counts.length; i++) metrics.add(parser.parseExpression(counts[i] + " AS n" + i));
        return CollectionConverters.asScala(metrics).toSeq();
    }
}
