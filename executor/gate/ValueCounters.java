package sluice;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.ExprId;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.expressions.objects.StaticInvoke;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.CollectMetrics;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.catalyst.expressions.LessThan;
import org.apache.spark.sql.catalyst.expressions.LessThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.MonotonicallyIncreasingID;
import org.apache.spark.sql.catalyst.expressions.WindowExpression;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.Window;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/** A query rebuilt with a counter of rows at each place that `ValueLook` has found. Written for Janino. */
final class ValueCounters extends AbstractFunction1 {
    private static final String VALUE = "_sluice_value_";
    private static final Set TEXTS = new HashSet(Arrays.asList(new Object[] {"zeros", "double"}));
    private static final Set KEYS = new HashSet(Arrays.asList(new Object[] {"key-left", "key-right", "group", "group-words"}));
    private final List points, metrics;
    private final String[] names;
    private final UsedColumns used;

    /** `names`: of the counters; an empty one where none is wanted. */
    ValueCounters(List points, String[] names, List metrics, UsedColumns used) {
        this.points = points;
        this.names = names;
        this.metrics = metrics;
        this.used = used;
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
        if (node instanceof Aggregate) whole = ofGroups((Aggregate) node, whole);
        for (int i = 0; i < points.size(); i++) {
            ValuePoint point = (ValuePoint) points.get(i);
            if (point.node != node) continue;
            if (point.child == ValuePoint.OVER) whole = counter(i, point, whole);
            if (point.child == ValuePoint.BESIDE) whole = beside(i, point, (Window) node, whole);
            if (point.child == ValuePoint.LIMITED && !names[i].isEmpty()) whole = limited(i, point, whole);
        }
        return whole;
    }

    /** The values of each group are worked out beside its columns. */
    private LogicalPlan ofGroups(Aggregate node, LogicalPlan whole) {
        if (!(whole instanceof Aggregate)) return whole;
        Aggregate groups = (Aggregate) whole;
        List made = listOf(groups.aggregateExpressions()), own = new ArrayList();
        for (int i = 0; i < points.size(); i++) {
            ValuePoint point = (ValuePoint) points.get(i);
            if (point.node != node || point.child != ValuePoint.GROUPS) continue;
            for (int j = 0; j < point.values.length; j++) made.add(alias(counted(point, j), VALUE + i + "_" + j));
            own.add(Integer.valueOf(i));
        }
        if (own.isEmpty()) return whole;
        LogicalPlan wider = new Aggregate(groups.groupingExpressions(), seqOf(made), groups.child(), groups.hint());
        int next = groups.aggregateExpressions().length();
        for (int i = 0; i < own.size(); i++) {
            int place = ((Integer) own.get(i)).intValue(), count = ((ValuePoint) points.get(place)).values.length;
            List shown = listOf(wider.output());
            for (int j = 0; j < count; j++) shown.add(alias((Expression) wider.output().apply(next + j), VALUE + j));
            wider = new Project(seqOf(listOf(wider.output())), counting(place, new Project(seqOf(shown), wider)));
            next += count;
        }
        return new Project(seqOf(listOf(node.output())), wider);
    }

    /** What the window says besides of each row. */
    private LogicalPlan beside(int place, ValuePoint point, Window window, LogicalPlan rows) {
        int most = point.kind.equals("tied-out") && rows instanceof Window ? used.cutAbove(window) : 0;
        if (most > 0) rows = cut((Window) rows, (WindowExpression) point.values[0], most);
        return new Project(seqOf(listOf(window.output())), counting(place, withWindow(point, window.partitionSpec(), window.orderSpec(), rows)));
    }

    /**
     * A counter keeps Spark from leaving out early the rows that no condition behind it lets through, as it does for row_number() = 1. Of
     * all rows, those that stand behind `most` others are left out here, by their rank, so that those with ties are still counted.
     */
    private static LogicalPlan cut(Window window, WindowExpression rank, int most) {
        Alias ranked = (Alias) alias(rank, "_sluice_rank");
        scala.collection.immutable.Seq ranks = seqOf(Arrays.asList(new Object[] {ranked}));
        LogicalPlan rows = new Window(ranks, window.partitionSpec(), window.orderSpec(), window.child(), scala.Option.empty());
        LogicalPlan few = new Project(window.child().output(), new Filter(new LessThanOrEqual(ranked.toAttribute(), literal(most)), rows));
        return (LogicalPlan) window.withNewChildren(seqOf(Arrays.asList(new Object[] {few})));
    }

    private static LogicalPlan withWindow(ValuePoint point, scala.collection.immutable.Seq parts, scala.collection.immutable.Seq order, LogicalPlan rows) {
        List inWindow = new ArrayList(), others = new ArrayList();
        for (int i = 0; i < point.values.length; i++) (point.values[i] instanceof WindowExpression ? inWindow : others).add(alias(point.values[i], VALUE + i));
        LogicalPlan wider = inWindow.isEmpty() ? rows : new Window(seqOf(inWindow), parts, order, rows, scala.Option.empty());
        List shown = listOf(wider.output());
        shown.addAll(others);
        return new Project(seqOf(shown), wider);
    }

    /** One row more than the LIMIT lets through is counted, which says whether there are more; it is left out behind the counter. */
    private LogicalPlan limited(int place, ValuePoint point, LogicalPlan whole) {
        LogicalPlan rows = ((LocalLimit) ((GlobalLimit) whole).child()).child();
        int most = ((Integer) ((Literal) ((GlobalLimit) whole).limitExpr()).value()).intValue();
        Expression more = literal(most + 1);
        LogicalPlan above = rows;
        boolean isInOrder = point.kind.equals("tied-limit");
        if (isInOrder) rows = PickLook.below(rows);
        LogicalPlan cut = new GlobalLimit(more, new LocalLimit(more, rows));
        scala.collection.immutable.Seq none = seqOf(new ArrayList()), order = none;
        for (int i = 0; i < point.values.length; i++) if (point.values[i] instanceof WindowExpression) order = ((WindowExpression) point.values[i]).windowSpec().orderSpec();
        Alias number = (Alias) alias(new MonotonicallyIncreasingID(), "_sluice_row");
        List columns = listOf(rows.output()), numbered = listOf(rows.output());
        numbered.add(number);
        LogicalPlan counted = new Project(seqOf(numbered), counting(place, withWindow(point, none, order, cut)));
        Expression isKept = new LessThan(number.toAttribute(), org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(Long.valueOf(most)));
        LogicalPlan kept = new Project(seqOf(columns), new Filter(isKept, counted));
        return isInOrder ? over(above, kept) : kept;
    }

    /** Columns that are left out or made behind an order, over other rows. */
    private static LogicalPlan over(LogicalPlan above, LogicalPlan rows) {
        if (!(above instanceof Project) && !(above instanceof SubqueryAlias)) return rows;
        List below = new ArrayList();
        below.add(over((LogicalPlan) above.children().apply(0), rows));
        return (LogicalPlan) above.withNewChildren(seqOf(below));
    }

    private static Expression literal(int number) {
        return org.apache.spark.sql.catalyst.expressions.Literal$.MODULE$.apply(Integer.valueOf(number));
    }

    private LogicalPlan counting(int place, LogicalPlan rows) {
        long number = org.apache.spark.sql.catalyst.expressions.NamedExpression$.MODULE$.newExprId().id();
        return new CollectMetrics(names[place], (scala.collection.immutable.Seq) metrics.get(place), rows, number);
    }

    /** Subqueries within an expression are rebuilt, too. */
    public Object apply(Object given) {
        Expression made = (Expression) ((Expression) given).mapChildren(this);
        if (!(made instanceof SubqueryExpression) || !ValueLook.isAlone((SubqueryExpression) made)) return made;
        SubqueryExpression query = (SubqueryExpression) made;
        LogicalPlan before = (LogicalPlan) query.plan(), now = counted(before, ValuePoint.LIST, rebuilt(before));
        return now == before ? made : query.withNewPlan(now);
    }

    private LogicalPlan counted(LogicalPlan node, int child, LogicalPlan rows) {
        LogicalPlan made = rows;
        for (int i = 0; i < points.size(); i++) {
            ValuePoint point = (ValuePoint) points.get(i);
            if (point.node == node && point.child == child && !names[i].isEmpty()) made = counter(i, point, made);
        }
        return made;
    }

    private LogicalPlan counter(int place, ValuePoint point, LogicalPlan rows) {
        List shown = listOf(rows.output());
        for (int i = 0; i < point.values.length; i++) shown.add(alias(counted(point, i), VALUE + i));
        return new Project(seqOf(listOf(rows.output())), counting(place, new Project(seqOf(shown), rows)));
    }

    /** What is counted of the value of this place. */
    static Expression counted(ValuePoint point, int place) {
        String kind = point.kind;
        Expression value = point.values[place];
        if (kind.startsWith("sought") && place == 0) return nearly(kind, point.values);
        if (kind.startsWith("group") && place == 1) return called(KeyShape.class, org.apache.spark.sql.types.DataTypes.LongType, "cases", value);
        if (kind.startsWith("order")) return place == 0 ? called(TextShape.class, org.apache.spark.sql.types.DataTypes.LongType, "beside", Arrays.asList(point.values)) : value;
        if (kind.equals("thousands")) return called(TextShape.class, org.apache.spark.sql.types.DataTypes.LongType, "thousands", value);
        if (KEYS.contains(kind)) return called(KeyShape.class, org.apache.spark.sql.types.DataTypes.LongType, "of", value);
        if (kind.equals("suffix")) return called(TextShape.class, org.apache.spark.sql.types.DataTypes.BooleanType, "isOddDouble", value);
        return TEXTS.contains(kind) ? called(TextShape.class, org.apache.spark.sql.types.DataTypes.LongType, "of", value) : value;
    }

    private static Expression nearly(String kind, Expression[] both) {
        String name = kind.equals("sought") ? "isNearly" : "isNearlyWord";
        return called(KeyShape.class, org.apache.spark.sql.types.DataTypes.BooleanType, name, Arrays.asList(both));
    }

    /** A key as all of its kind could be written; on one side of a join, as all could be that look like it. */
    static Expression plainly(ValuePoint point) {
        return ofKey(point.kind.startsWith("key-") ? "alike" : "plainly", point);
    }

    static Expression ofKey(String name, ValuePoint point) {
        return called(KeyShape.class, org.apache.spark.sql.types.DataTypes.StringType, name, point.values[0]);
    }

    private static Expression called(Class owner, org.apache.spark.sql.types.DataType type, String name, Expression text) {
        return called(owner, type, name, Arrays.asList(new Object[] {text}));
    }

    private static Expression called(Class owner, org.apache.spark.sql.types.DataType type, String name, List given) {
        scala.collection.immutable.Seq none = seqOf(new ArrayList());
        return new StaticInvoke(owner, type, name, seqOf(given), none, true, false, true, scala.Option.empty());
    }

    private static List listOf(scala.collection.Seq given) {
        List made = new ArrayList();
        for (int i = 0; i < given.length(); i++) made.add(given.apply(i));
        return made;
    }

    private static scala.collection.immutable.Seq seqOf(List given) {
        return CollectionConverters.asScala(given).toSeq();
    }

    static Expression alias(Expression value, String name) {
        ExprId number = org.apache.spark.sql.catalyst.expressions.NamedExpression$.MODULE$.newExprId();
        return new Alias(value, name, number, seqOf(new ArrayList()), scala.Option.empty(), seqOf(new ArrayList()));
    }
}
