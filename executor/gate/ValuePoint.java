package sluice;

import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;

/**
 * A place of a query at which rows are counted: `values` of the rows that `node` gets from its child of this number, that the list of a
 * NOT IN gives (LIST), of its groups (GROUPS), or that `node` itself gives: as they go by (OVER), with more that its window says of them
 * (BESIDE), with one row more than its LIMIT lets through (LIMITED), or asked for later (ASKED). `shown` is what people read of it. Written
 * for Janino.
 */
final class ValuePoint {
    static final int LIST = -1, GROUPS = -2, OVER = -3, ASKED = -4, BESIDE = -5, LIMITED = -6;
    final String kind;
    final LogicalPlan node;
    final int child;
    final Expression shown;
    final Expression[] values;
    /** No counter stands here, though it has a place of its own. */
    boolean isSilent;
    /** Whose place in the query's text it has; null: that of `shown`. */
    Expression written;
    /** What is compared, where that can be mended. */
    final Expression[] parts;
    /** Of rows that are asked for: what those have that are found. */
    final Expression narrow;

    ValuePoint(String kind, LogicalPlan node, int child, Expression shown, Expression[] values) {
        this(kind, node, child, shown, values, ValueLook.NONE, null);
    }

    ValuePoint(String kind, LogicalPlan node, int child, Expression shown, Expression[] values, Expression[] parts, Expression narrow) {
        this.kind = kind;
        this.node = node;
        this.child = child;
        this.shown = shown;
        this.values = values;
        this.parts = parts;
        this.narrow = narrow;
    }
}
