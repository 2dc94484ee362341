package sluice;

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
import org.apache.spark.sql.catalyst.expressions.Divide;
import org.apache.spark.sql.catalyst.expressions.ExprId;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GreaterThan;
import org.apache.spark.sql.catalyst.expressions.GreaterThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.Greatest;
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
import org.apache.spark.sql.catalyst.expressions.With;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.Max;
import org.apache.spark.sql.catalyst.expressions.aggregate.MaxMinBy;
import org.apache.spark.sql.catalyst.expressions.aggregate.Min;
import org.apache.spark.sql.catalyst.expressions.objects.StaticInvoke;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.CollectMetrics;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/**
 * Finds the places of one query where what comes out depends on how its values are written or on what they are (text put in order, digits
 * cut off, days that end at midnight, no value in a NOT IN list), and puts counters of the rows right before them. Views are not entered: each
 * was looked at where it was made. Written for Janino.
 */
public final class ValueLook {
    private static final int MOST = 12, DEEPEST = 400;
    private static final String UNIT = "\u001f", RECORD = "\u001e", VALUE = "_sluice_value_";
    private static final Set SAFE = new HashSet(Arrays.asList(new Object[] {
        "AttributeReference", "Literal", "GetStructField", "GetJsonObject", "Coalesce", "Lower", "Upper", "StringTrim", "StringTrimLeft", "StringTrimRight",
        "Substring", "Left", "Right", "Concat", "StringReplace", "DateFormatClass", "NullIf", "If", "IsNull", "IsNotNull", "EqualTo", "Nvl",
    }));
    private final LogicalPlan plan;
    private final List points = new ArrayList();
    private final Map common = new HashMap();
    private Map definitions = null;

    private static final int LIST = -1, GROUPS = -2;

    /** One place: `values` of the rows that `node` gets from its child number `child`, that the list of a NOT IN gives, or of groups. */
    private static final class Point {
        String kind;
        LogicalPlan node;
        int child;
        Expression shown;
        Expression[] values;
    }

    public ValueLook(LogicalPlan plan) {
        this.plan = plan;
        look(plan, 0);
    }

    /** Of each place: kind, label, first and last sign in the query's text (-1 where unknown), with unit separators, and a record separator. */
    public String points() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < points.size(); i++) {
            Point point = (Point) points.get(i);
            scala.Option from = point.shown.origin().startIndex(), to = point.shown.origin().stopIndex();
            text.append(point.kind).append(UNIT).append(label(point.shown)).append(UNIT);
            text.append(from.isDefined() ? from.get() : "-1").append(UNIT).append(to.isDefined() ? to.get() : "-1").append(RECORD);
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
        ArrayDeque waiting = new ArrayDeque();
        addAll(node.expressions().iterator(), waiting);
        while (!waiting.isEmpty() && points.size() < MOST) {
            Expression next = (Expression) waiting.removeFirst();
            if (next instanceof With) noteCommon(((With) next).defs().iterator());
            at(node, next);
            addAll(next.children().iterator(), waiting);
            if (next instanceof SubqueryExpression && isAlone((SubqueryExpression) next)) look((LogicalPlan) ((SubqueryExpression) next).plan(), depth + 1);
        }
        scala.collection.Iterator children = node.children().iterator();
        while (children.hasNext()) look((LogicalPlan) children.next(), depth + 1);
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

    private static boolean isAlone(SubqueryExpression query) {
        return query.children().isEmpty();
    }

    private static void addAll(scala.collection.Iterator found, ArrayDeque waiting) {
        while (found.hasNext()) waiting.add(found.next());
    }

    private void at(LogicalPlan node, Expression part) {
        if (part instanceof SortOrder) ordered(node, ((SortOrder) part).child());
        else if (part instanceof Max) ordered(node, ((Max) part).child());
        else if (part instanceof Min) ordered(node, ((Min) part).child());
        else if (part instanceof MaxMinBy) ordered(node, ((MaxMinBy) part).orderingExpr());
        else if (part instanceof Greatest || part instanceof Least) orderedAll(node, part);
        else if (part instanceof LessThan || part instanceof GreaterThan || part instanceof LessThanOrEqual || part instanceof GreaterThanOrEqual) compared(node, part);
        else if (part instanceof Multiply || part instanceof Divide) cut(node, part);
        else if (part instanceof Not && ((Not) part).child() instanceof InSubquery) without(node, (InSubquery) ((Not) part).child());
    }

    private void orderedAll(LogicalPlan node, Expression part) {
        scala.collection.Iterator children = part.children().iterator();
        while (children.hasNext()) ordered(node, meant(children.next()));
    }

    private void ordered(LogicalPlan node, Expression value) {
        if (value.dataType() instanceof StringType && !value.foldable() && !isMeant(value)) add("order", node, value, new Expression[] {value});
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
        Point point = new Point();
        point.kind = "null-in-list";
        point.node = list.plan();
        point.child = LIST;
        point.shown = (Expression) given;
        point.values = new Expression[] {(Expression) given};
        points.add(point);
    }

    /** Notes a place once: at the child that has all the values; below joins at the side that has them. */
    private void add(String kind, LogicalPlan node, Expression shown, Expression[] values) {
        boolean isOfGroups = node instanceof Aggregate && hasAggregate(values);
        for (int i = 0; i < values.length; i++) if (!isSafe(values[i], isOfGroups)) return;
        if (isOfGroups) put(kind, node, GROUPS, shown, values);
        if (isOfGroups) return;
        for (int side = 0; side < node.children().length(); side++) {
            if (!has((LogicalPlan) node.children().apply(side), values)) continue;
            if ((node instanceof Filter || node instanceof Join) && isFromParquet(values[0], 0)) return;
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
            Point known = (Point) points.get(i);
            if (known.kind.equals(kind) && known.values[0].semanticEquals(values[0]) && (kind.equals("order") || known.shown.semanticEquals(shown))) return;
        }
        if (points.size() >= MOST) return;
        Point point = new Point();
        point.kind = kind;
        point.node = node;
        point.child = child;
        point.shown = shown;
        point.values = values;
        points.add(point);
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

    // --- where a value comes from

    /** Whether somebody said that it is a text: CAST(… AS STRING), or a column that a schema calls so. */
    private boolean isMeant(Expression value) {
        Expression now = value;
        for (int steps = 0; steps < DEEPEST; steps++) {
            if (now instanceof Cast) return true;
            if (now instanceof Attribute) {
                Metadata known = ((Attribute) now).metadata();
                if (known.contains("internal") && !known.getBoolean("internal")) return true;
                Object found = definitions().get(Long.valueOf(((Attribute) now).exprId().id()));
                if (!(found instanceof Alias)) return false;
                now = ((Alias) found).child();
            } else if (now instanceof AggregateExpression) now = (Expression) ((AggregateExpression) now).aggregateFunction();
            else if (now instanceof Max || now instanceof Min) now = (Expression) now.children().apply(0);
            else return false;
        }
        return false;
    }

    private boolean isFromParquet(Expression value, int depth) {
        scala.collection.Iterator names = value.references().iterator();
        while (names.hasNext()) {
            Object found = definitions().get(Long.valueOf(((Attribute) names.next()).exprId().id()));
            if (found instanceof LogicalRelation && isParquet((LogicalRelation) found)) return true;
            if (found instanceof Alias && depth < DEEPEST && isFromParquet(((Alias) found).child(), depth + 1)) return true;
        }
        return false;
    }

    private static boolean isParquet(LogicalRelation relation) {
        return relation.relation() instanceof HadoopFsRelation && ((HadoopFsRelation) relation.relation()).fileFormat().getClass().getSimpleName().startsWith("Parquet");
    }

    /** What defines each column of the whole plan: an alias or the file it stands in, by the column's number. */
    private Map definitions() {
        if (definitions != null) return definitions;
        definitions = new HashMap();
        ArrayDeque waiting = new ArrayDeque();
        waiting.add(plan);
        while (!waiting.isEmpty()) {
            LogicalPlan next = (LogicalPlan) waiting.removeFirst();
            if (next instanceof LogicalRelation) noteAll(next.output().iterator(), next);
            noteAll(next.expressions().iterator(), null);
            addAll(next.children().iterator(), waiting);
        }
        return definitions;
    }

    private void noteAll(scala.collection.Iterator found, Object origin) {
        while (found.hasNext()) {
            Object next = found.next();
            if (next instanceof Alias) definitions.put(Long.valueOf(((Alias) next).exprId().id()), next);
            else if (origin != null) definitions.put(Long.valueOf(((Attribute) next).exprId().id()), origin);
        }
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
        Counters counters = new Counters(points, called, metrics);
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, counters.rebuilt(plan));
    }

    private static scala.collection.immutable.Seq parsed(ParserInterface parser, String[] counts) throws ParseException {
        List metrics = new ArrayList();
        for (int i = 0; i < counts.length; i++) metrics.add(parser.parseExpression(counts[i] + " AS n" + i));
        return CollectionConverters.asScala(metrics).toSeq();
    }

    private static final class Counters extends AbstractFunction1 {
        private final List points, metrics;
        private final String[] names;

        Counters(List points, String[] names, List metrics) {
            this.points = points;
            this.names = names;
            this.metrics = metrics;
        }

        LogicalPlan rebuilt(LogicalPlan node) {
            if (node instanceof View) return node;
            List children = new ArrayList();
            boolean isOther = false;
            for (int i = 0; i < node.children().length(); i++) {
                LogicalPlan child = (LogicalPlan) node.children().apply(i), now = counted(node, i, rebuilt(child));
                isOther = isOther || now != child;
                children.add(now);
            }
            LogicalPlan made = isOther ? (LogicalPlan) node.withNewChildren(seqOf(children)) : node;
            LogicalPlan whole = (LogicalPlan) made.mapExpressions(this);
            for (int i = 0; i < points.size(); i++) {
                Point point = (Point) points.get(i);
                if (point.node == node && point.child == GROUPS) whole = ofGroups(i, point, (Aggregate) node, whole);
            }
            return whole;
        }

        /** The values of each group are worked out beside its columns. */
        private LogicalPlan ofGroups(int place, Point point, Aggregate node, LogicalPlan whole) {
            if (!(whole instanceof Aggregate)) return whole; // one counter for each query's groups
            Aggregate groups = (Aggregate) whole;
            List made = listOf(groups.aggregateExpressions());
            for (int i = 0; i < point.values.length; i++) made.add(alias(point.values[i], VALUE + i));
            LogicalPlan wider = new Aggregate(groups.groupingExpressions(), seqOf(made), groups.child(), groups.hint());
            return new Project(seqOf(listOf(node.output())), counting(place, wider));
        }

        private LogicalPlan counting(int place, LogicalPlan rows) {
            long number = org.apache.spark.sql.catalyst.expressions.NamedExpression$.MODULE$.newExprId().id();
            return new CollectMetrics(names[place], (scala.collection.immutable.Seq) metrics.get(place), rows, number);
        }

        /** Subqueries within an expression are rebuilt, too. */
        public Object apply(Object given) {
            Expression made = (Expression) ((Expression) given).mapChildren(this);
            if (!(made instanceof SubqueryExpression) || !isAlone((SubqueryExpression) made)) return made;
            SubqueryExpression query = (SubqueryExpression) made;
            LogicalPlan before = (LogicalPlan) query.plan(), now = counted(before, LIST, rebuilt(before));
            return now == before ? made : query.withNewPlan(now);
        }

        private LogicalPlan counted(LogicalPlan node, int child, LogicalPlan rows) {
            LogicalPlan made = rows;
            for (int i = 0; i < points.size(); i++) {
                Point point = (Point) points.get(i);
                if (point.node == node && point.child == child && !names[i].isEmpty()) made = counter(i, point, made);
            }
            return made;
        }

        private LogicalPlan counter(int place, Point point, LogicalPlan rows) {
            List shown = listOf(rows.output());
            for (int i = 0; i < point.values.length; i++) shown.add(alias(point.kind.equals("order") ? shape(point.values[i]) : point.values[i], VALUE + i));
            return new Project(seqOf(listOf(rows.output())), counting(place, new Project(seqOf(shown), rows)));
        }

        private static Expression shape(Expression text) {
            List given = new ArrayList();
            given.add(text);
            scala.collection.immutable.Seq none = seqOf(new ArrayList());
            return new StaticInvoke(TextShape.class, org.apache.spark.sql.types.DataTypes.LongType, "of", seqOf(given), none, true, false, true, scala.Option.empty());
        }

        private static List listOf(scala.collection.Seq given) {
            List made = new ArrayList();
            for (int i = 0; i < given.length(); i++) made.add(given.apply(i));
            return made;
        }

        private static scala.collection.immutable.Seq seqOf(List given) {
            return CollectionConverters.asScala(given).toSeq();
        }

        private static Expression alias(Expression value, String name) {
            ExprId number = org.apache.spark.sql.catalyst.expressions.NamedExpression$.MODULE$.newExprId();
            return new Alias(value, name, number, seqOf(new ArrayList()), scala.Option.empty(), seqOf(new ArrayList()));
        }
    }
}
