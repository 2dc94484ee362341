package sluice;

import java.util.ArrayDeque;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.BinaryComparison;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.IsNotNull;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.JoinHint;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.OneRowRelation;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;
import org.apache.spark.sql.catalyst.plans.logical.View;

/**
 * Finds, in the analysed plan of one query, outer joins whose rows without a match a condition behind them lets none through: LEFT JOIN b …
 * WHERE b.x = 1 is a JOIN. Spark's own rule says so, asked of each condition and join alone. Written for Janino.
 */
public final class OuterLook {
    private static final String UNIT = "\u001f", RECORD = "\u001e";
    private static final int MOST_ASKED = 400;
    /** What a condition has in it that sees to missing values by itself. */
    private static final String SEEING = " IsNull IsNotNull IsNaN Coalesce CaseWhen If Nvl Nvl2 NullIf EqualNullSafe AtLeastNNonNulls ";

    private final StringBuilder found = new StringBuilder();
    private int asked;

    /** For each: LEFT, RIGHT or FULL, the view without a match, and a column of it in the condition. */
    public static String undone(LogicalPlan plan) {
        OuterLook look = new OuterLook();
        java.util.Iterator plans = PlanWalk.plans(plan).iterator();
        while (plans.hasNext()) {
            LogicalPlan next = (LogicalPlan) plans.next();
            if (next instanceof Filter) look.below(((Filter) next).condition(), next);
            else if (next instanceof Join && ((Join) next).joinType().toString().equals("Inner") && ((Join) next).condition().isDefined())
                look.below((Expression) ((Join) next).condition().get(), next);
        }
        return look.found.toString();
    }

    /** Looks at the outer joins whose rows go through `condition`. */
    private void below(Expression condition, LogicalPlan top) {
        List conditions = PlanWalk.conditions(condition);
        ArrayDeque waiting = new ArrayDeque();
        PlanWalk.addAll(top.children().iterator(), waiting);
        while (!waiting.isEmpty()) {
            LogicalPlan next = (LogicalPlan) waiting.removeFirst();
            if (next instanceof Join) look((Join) next, conditions);
            boolean goesThrough = next instanceof Join || next instanceof Filter || next instanceof Project || next instanceof SubqueryAlias;
            if (goesThrough && !(next instanceof View)) PlanWalk.addAll(next.children().iterator(), waiting);
        }
    }

    private void look(Join join, List conditions) {
        String kind = join.joinType().toString();
        if (!kind.endsWith("Outer")) return;
        for (int i = 0; i < conditions.size(); i++) {
            Expression condition = (Expression) conditions.get(i);
            if (seesTo(condition) && sideOf(join, condition) != null) return;
        }
        for (int i = 0; i < conditions.size(); i++) {
            Expression condition = (Expression) conditions.get(i);
            Attribute column = sideOf(join, condition);
            if (column == null || ++asked > MOST_ASKED || !isLost(join, condition)) continue;
            String view = column.qualifier().isEmpty() ? "" : String.valueOf(column.qualifier().last());
            found.append(kind.substring(0, kind.length() - 5)).append(UNIT).append(view).append(UNIT).append(column.name()).append(RECORD);
            return;
        }
    }

    /** A column in the condition that has no value in rows without a match, as its side of the join calls it; null where there is none. */
    private static Attribute sideOf(Join join, Expression condition) {
        String kind = join.joinType().toString();
        Attribute found = kind.equals("RightOuter") ? null : first(join.right(), condition);
        return found != null || kind.equals("LeftOuter") ? found : first(join.left(), condition);
    }

    private static Attribute first(LogicalPlan side, Expression condition) {
        scala.collection.Iterator columns = side.output().iterator();
        while (columns.hasNext()) {
            Attribute column = (Attribute) columns.next();
            if (condition.references().contains(column)) return column;
        }
        return null;
    }

    /** Whether the condition holds of no row without a match. Of one that compares both sides its parts of the side without a value are asked. */
    private static boolean isLost(Join join, Expression condition) {
        if (condition.references().subsetOf(join.left().outputSet()) || condition.references().subsetOf(join.right().outputSet()))
            return isOther(join, condition);
        Expression compared = condition instanceof Not ? ((Not) condition).child() : condition;
        if (!(compared instanceof BinaryComparison)) return false;
        scala.collection.Iterator parts = compared.children().iterator();
        while (parts.hasNext()) {
            Expression part = (Expression) parts.next();
            if (sideOf(join, part) != null && isOther(join, new IsNotNull(part))) return true;
        }
        return false;
    }

    /** Whether Spark makes another join of it under this condition. The sides are stand-ins with the same columns. */
    private static boolean isOther(Join join, Expression condition) {
        Join bare = new Join(columnsOf(join.left()), columnsOf(join.right()), join.joinType(), scala.Option.empty(), JoinHint.NONE());
        LogicalPlan asked = org.apache.spark.sql.catalyst.optimizer.ReplaceExpressions$.MODULE$.apply(new Filter(condition, bare));
        asked = org.apache.spark.sql.catalyst.optimizer.RewriteWithExpression$.MODULE$.apply(asked);
        asked = org.apache.spark.sql.catalyst.optimizer.EliminateOuterJoin$.MODULE$.apply(asked);
        java.util.Iterator plans = PlanWalk.plans(asked).iterator();
        while (plans.hasNext()) {
            Object next = plans.next();
            if (next instanceof Join) return !((Join) next).joinType().equals(join.joinType());
        }
        return false;
    }

    private static LogicalPlan columnsOf(LogicalPlan side) {
        return new Project(side.output(), new OneRowRelation());
    }

    private static boolean seesTo(Expression condition) {
        ArrayDeque waiting = new ArrayDeque();
        waiting.add(condition);
        while (!waiting.isEmpty()) {
            Expression next = (Expression) waiting.removeFirst();
            if (SEEING.indexOf(" " + next.getClass().getSimpleName() + " ") >= 0) return true;
            PlanWalk.addAll(next.children().iterator(), waiting);
        }
        return false;
    }
}
