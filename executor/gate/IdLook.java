package sluice;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Distinct;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.catalyst.plans.logical.Window;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.IntegralType;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Finds what may be the id of the table that a key of groups comes from: the whole numbers that are keys beside it and come from the same rows
 * of the same table. Where they stand once in it, each row has a group of its own, however the key is written. Written for Janino.
 */
final class IdLook {
    private static final int DEEPEST = 400;
    private static final Set KEEPS_ROWS_OF_ITS_CHILDREN = new HashSet(Arrays.asList(new Object[] {"Filter", "Join", "SubqueryAlias", "Sort", "Distinct", "Window"}));
    private LogicalPlan table = null;

    /** The ids, as columns i0, i1, … of the table's rows; null where there are none. */
    LogicalPlan beside(ValuePoint point) {
        scala.collection.Iterator keys = keysOf(point.node);
        if (keys == null || column(point.node, point.values[0]) == null) return null;
        LogicalPlan own = table;
        List found = new ArrayList();
        while (keys.hasNext()) {
            Attribute id = column(below(point.node), (Expression) keys.next());
            if (id != null && table == own && isWhole(id)) found.add(ValueCounters.alias((Expression) id, "i" + found.size()));
        }
        return found.isEmpty() ? null : new Project(CollectionConverters.asScala(found).toSeq(), own);
    }

    /** Null where the place is not at the groups, but at rows below them. */
    private static scala.collection.Iterator keysOf(LogicalPlan node) {
        if (node instanceof Aggregate) return ((Aggregate) node).groupingExpressions().iterator();
        if (node instanceof Window) return ((Window) node).partitionSpec().iterator();
        return node instanceof Distinct ? node.output().iterator() : null;
    }

    private static LogicalPlan below(LogicalPlan groups) {
        return (LogicalPlan) groups.children().apply(0);
    }

    private static boolean isWhole(Attribute id) {
        return id.dataType() instanceof IntegralType || id.dataType() instanceof DecimalType && ((DecimalType) id.dataType()).scale() == 0;
    }

    /** The column of a table that `value` of these rows is, as it stands there; `table` is that table then. Null for all else. */
    private Attribute column(LogicalPlan rows, Expression value) {
        LogicalPlan now = rows;
        Expression meant = value;
        for (int steps = 0; steps < DEEPEST && meant instanceof Attribute; steps++) {
            if (now instanceof View || now instanceof LogicalRelation) {
                table = now;
                return (Attribute) meant;
            }
            if (now instanceof Project) meant = made(((Project) now).projectList().iterator(), (Attribute) meant);
            else if (now instanceof Aggregate) meant = made(((Aggregate) now).aggregateExpressions().iterator(), (Attribute) meant);
            else if (!KEEPS_ROWS_OF_ITS_CHILDREN.contains(now.getClass().getSimpleName())) return null;
            now = childWith(now, meant);
            if (now == null) return null;
        }
        return null;
    }

    private static Expression made(scala.collection.Iterator columns, Attribute wanted) {
        while (columns.hasNext()) {
            Object column = columns.next();
            if (column instanceof Alias && ((Alias) column).exprId().equals(wanted.exprId())) return ((Alias) column).child();
        }
        return wanted;
    }

    private static LogicalPlan childWith(LogicalPlan plan, Expression value) {
        if (!(value instanceof Attribute)) return null;
        for (int i = 0; i < plan.children().length(); i++) {
            LogicalPlan child = (LogicalPlan) plan.children().apply(i);
            if (child.outputSet().contains((Attribute) value)) return child;
        }
        return null;
    }
}
