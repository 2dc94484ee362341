package sluice;

import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/**
 * A place of a query at which rows are counted: `values` of the rows that `node` gets from its child of this number, that the list of a
 * NOT IN gives (LIST), of its groups (GROUPS), or that `node` itself gives: as they go by (OVER), or asked for later (ASKED). `shown` is what people read of it. Written for Janino.
 */
final class ValuePoint {
    static final int LIST = -1, GROUPS = -2, OVER = -3, ASKED = -4;
    final String kind;
    final LogicalPlan node;
    final int child;
    final Expression shown;
    final Expression[] values;

    ValuePoint(String kind, LogicalPlan node, int child, Expression shown, Expression[] values) {
        this.kind = kind;
        this.node = node;
        this.child = child;
        this.shown = shown;
        this.values = values;
    }
}
