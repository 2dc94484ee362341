package sluice;

import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.InSubquery;
import org.apache.spark.sql.catalyst.expressions.ListQuery;
import org.apache.spark.sql.catalyst.expressions.OuterReference;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.types.StringType;

/**
 * Finds the texts by which rows of two sides are brought together (JOIN … ON, FROM a, b WHERE a.k = b.k, IN (SELECT …)): they may look the
 * same and be others. Columns of Parquet files get no counter, since it would keep filters from being pushed into the files. Written for Janino.
 */
final class KeyLook {
    private final ValueLook look;
    private final ValueOrigins origins;
    private final LogicalPlan node;

    KeyLook(ValueLook look, ValueOrigins origins, LogicalPlan node) {
        this.look = look;
        this.origins = origins;
        this.node = node;
    }

    void ofJoin(Expression equal) {
        Expression one = (Expression) equal.children().apply(0), other = (Expression) equal.children().apply(1);
        ValuePoint first = side("key-left", one), second = side("key-right", other);
        if (first == null || second == null || (first.node == second.node && first.child == second.child)) return;
        if (node instanceof Join && !ValueSafety.has(((Join) node).left(), first.values)) tell(side("key-left", other), side("key-right", one));
        else tell(first, second);
    }

    void ofList(InSubquery part) {
        ListQuery list = part.query();
        if (part.values().length() != 1 || !ValueLook.isAlone(list)) return;
        Expression given = (Expression) list.plan().output().apply(0);
        if (!(given.dataType() instanceof StringType)) return;
        ValuePoint first = side("key-left", (Expression) part.values().apply(0));
        if (first != null) tell(first, new ValuePoint("key-right", list.plan(), ValuePoint.LIST, given, new Expression[] {given}));
    }

    /** EXISTS and other subqueries that name a row of the query around them: asked at the end, as nothing is counted inside of those. */
    void ofCorrelated(SubqueryExpression part) {
        java.util.Iterator plans = PlanWalk.plans((LogicalPlan) part.plan()).iterator();
        while (plans.hasNext()) {
            LogicalPlan next = (LogicalPlan) plans.next();
            java.util.Iterator parts = next instanceof Filter ? PlanWalk.expressions(next).iterator() : new java.util.ArrayList().iterator();
            while (parts.hasNext()) {
                Expression equal = (Expression) parts.next();
                if (!(equal instanceof EqualTo)) continue;
                Expression one = (Expression) equal.children().apply(0), other = (Expression) equal.children().apply(1);
                if (one instanceof OuterReference) beside((OuterReference) one, other, next);
                else if (other instanceof OuterReference) beside((OuterReference) other, one, next);
            }
        }
    }

    private void beside(OuterReference outer, Expression inner, LogicalPlan filter) {
        Expression[] values = new Expression[] {inner};
        LogicalPlan rows = (LogicalPlan) filter.children().apply(0);
        if (!(inner.dataType() instanceof StringType) || !ValueSafety.isSafe(inner, false) || !ValueSafety.has(rows, values)) return;
        ValuePoint left = side("key-left", (Expression) outer.e()), right = new ValuePoint("key-right", filter, 0, inner, values);
        if (left == null) return;
        left.isSilent = true;
        right.isSilent = true;
        look.addBoth(left, right);
    }

    private void tell(ValuePoint left, ValuePoint right) {
        boolean isSilent = origins.isFromParquet(left.values[0]) || origins.isFromParquet(right.values[0]);
        left.isSilent = isSilent;
        right.isSilent = isSilent;
        look.addBoth(left, right);
    }

    /** The place at which a key is alone with the rows of its own side; null where it is no text or cannot be told for each row. */
    private ValuePoint side(String kind, Expression key) {
        Expression[] values = new Expression[] {key};
        if (!(key.dataType() instanceof StringType) || !ValueSafety.isSafe(key, false)) return null;
        LogicalPlan place = node;
        int child = -1;
        for (int i = 0; i < node.children().length() && child < 0; i++) if (ValueSafety.has((LogicalPlan) node.children().apply(i), values)) child = i;
        if (child < 0) return null;
        for (int i = 0; i < 2; i++) {
            LogicalPlan below = (LogicalPlan) place.children().apply(child);
            if (!(below instanceof Join)) break;
            if (!ValueSafety.has((LogicalPlan) below.children().apply(i), values)) continue;
            place = below;
            child = i;
            i = -1;
        }
        return new ValuePoint(kind, place, child, key, values);
    }
}
