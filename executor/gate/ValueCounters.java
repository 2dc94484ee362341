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
import org.apache.spark.sql.catalyst.plans.logical.View;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/** A query rebuilt with a counter of rows at each place that `ValueLook` has found. Written for Janino. */
final class ValueCounters extends AbstractFunction1 {
    private static final String VALUE = "_sluice_value_";
    private static final Set TEXTS = new HashSet(Arrays.asList(new Object[] {"order", "zeros", "double"}));
    private static final Set KEYS = new HashSet(Arrays.asList(new Object[] {"key-left", "key-right", "group"}));
    private final List points, metrics;
    private final String[] names;

    ValueCounters(List points, String[] names, List metrics) {
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
            ValuePoint point = (ValuePoint) points.get(i);
            if (point.node == node && point.child == ValuePoint.GROUPS) whole = ofGroups(i, point, (Aggregate) node, whole);
        }
        for (int i = 0; i < points.size(); i++) {
            ValuePoint point = (ValuePoint) points.get(i);
            if (point.node == node && point.child == ValuePoint.OVER) whole = counter(i, point, whole);
        }
        return whole;
    }

    /** The values of each group are worked out beside its columns. */
    private LogicalPlan ofGroups(int place, ValuePoint point, Aggregate node, LogicalPlan whole) {
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
        if (kind.equals("sought") && place == 0) return nearly(point.values);
        if (KEYS.contains(kind)) return called(KeyShape.class, org.apache.spark.sql.types.DataTypes.LongType, "of", value);
        if (kind.equals("suffix")) return called(TextShape.class, org.apache.spark.sql.types.DataTypes.BooleanType, "isOddDouble", value);
        return TEXTS.contains(kind) ? called(TextShape.class, org.apache.spark.sql.types.DataTypes.LongType, "of", value) : value;
    }

    private static Expression nearly(Expression[] both) {
        return called(KeyShape.class, org.apache.spark.sql.types.DataTypes.BooleanType, "isNearly", Arrays.asList(both));
    }

    /** A key as all of its kind could be written; on one side of a join, as all could be that look like it. */
    static Expression plainly(ValuePoint point) {
        String name = point.kind.startsWith("key-") ? "alike" : "plainly";
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
