package sluice;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;
import org.apache.spark.sql.catalyst.plans.logical.View;

/**
 * Finds, in the analysed plan of one query, views that stand side by side (FROM a, b) with no condition between them: each row of one comes
 * with each of the other. CROSS JOIN and ON true say that it is meant. Views are not entered. Written for Janino.
 */
public final class CrossLook {
    private static final String UNIT = "\u001f", RECORD = "\u001e";

    /** The names of two such views each, with a unit separator between them and a record separator behind. */
    public static String unlinked(LogicalPlan plan) {
        StringBuilder found = new StringBuilder();
        ArrayDeque waiting = new ArrayDeque();
        waiting.add(plan);
        while (!waiting.isEmpty()) {
            LogicalPlan next = (LogicalPlan) waiting.removeFirst();
            if (next instanceof View) continue;
            List conditions = new ArrayList();
            while (next instanceof Filter) {
                conditions.addAll(PlanWalk.conditions(((Filter) next).condition()));
                next = ((Filter) next).child();
            }
            if (isInner(next)) new CrossLook((Join) next, conditions).tell(found, waiting);
            else PlanWalk.addAll(next.children().iterator(), waiting);
            PlanWalk.addAll(next.innerChildren().iterator(), waiting);
        }
        return found.toString();
    }

    private final List parts = new ArrayList();
    private int[] groups = new int[0];

    private CrossLook(Join root, List conditions) {
        gather(root, conditions);
        for (int i = 0; i < conditions.size(); i++) if (!isDifference((Expression) conditions.get(i))) link((Expression) conditions.get(i));
        for (int i = 1; i < parts.size(); i++) if (isHarmless((LogicalPlan) parts.get(i))) join(0, i);
        if (isHarmless((LogicalPlan) parts.get(0))) for (int i = 1; i < parts.size(); i++) join(0, i);
    }

    private void tell(StringBuilder found, ArrayDeque waiting) {
        for (int i = 0; i < parts.size(); i++) {
            waiting.add(parts.get(i));
            if (groups[i] != groups[0] && isFirst(i)) found.append(name(0)).append(UNIT).append(name(i)).append(RECORD);
        }
    }

    private boolean isFirst(int part) {
        for (int i = 0; i < part; i++) if (groups[i] == groups[part]) return false;
        return true;
    }

    private String name(int part) {
        Object plan = parts.get(part);
        return plan instanceof SubqueryAlias ? ((SubqueryAlias) plan).alias() : "";
    }

    private static boolean isInner(LogicalPlan plan) {
        String kind = plan instanceof Join ? ((Join) plan).joinType().toString() : "";
        return kind.equals("Inner") || kind.equals("Cross");
    }

    /** The parts of joins within each other, from left to right, and all conditions between them. */
    private void gather(LogicalPlan plan, List conditions) {
        if (!isInner(plan)) {
            parts.add(plan);
            int[] more = new int[parts.size()];
            System.arraycopy(groups, 0, more, 0, groups.length);
            more[groups.length] = groups.length;
            groups = more;
            return;
        }
        Join join = (Join) plan;
        int left = parts.size();
        gather(join.left(), conditions);
        int right = parts.size();
        gather(join.right(), conditions);
        boolean isSaid = join.joinType().toString().equals("Cross");
        if (join.condition().isDefined()) {
            Expression condition = (Expression) join.condition().get();
            conditions.addAll(PlanWalk.conditions(condition));
            isSaid = isSaid || condition.references().isEmpty();
        }
        if (isSaid) join(left, right);
    }

    /** `a.x <> b.x` of two views leaves nearly all pairs. Of one view with itself it is how people ask for pairs. */
    private boolean isDifference(Expression condition) {
        if (!(condition instanceof Not) || !(((Not) condition).child() instanceof EqualTo)) return false;
        String read = null;
        for (int i = 0; i < parts.size(); i++) {
            LogicalPlan part = (LogicalPlan) parts.get(i);
            if (!condition.references().exists(new Within(part.outputSet()))) continue;
            if (read != null && read.equals(readBy(part))) return false;
            read = readBy(part);
        }
        return true;
    }

    private static String readBy(LogicalPlan plan) {
        StringBuilder found = new StringBuilder();
        java.util.Iterator plans = PlanWalk.plans(plan).iterator();
        while (plans.hasNext()) {
            Object next = plans.next();
            if (next instanceof View) found.append(((View) next).desc().identifier()).append(UNIT);
        }
        return found.toString();
    }

    private void link(Expression condition) {
        int first = -1;
        for (int i = 0; i < parts.size(); i++) {
            if (!condition.references().exists(new Within(((LogicalPlan) parts.get(i)).outputSet()))) continue;
            if (first >= 0) join(first, i);
            else first = i;
        }
    }

    private void join(int one, int other) {
        int from = groups[other], to = groups[one];
        for (int i = 0; i < groups.length; i++) if (groups[i] == from) groups[i] = to;
    }

    /** Of one row at most, or written out in the query itself. */
    private static boolean isHarmless(LogicalPlan plan) {
        scala.Option rows = plan.maxRows();
        if (rows.isDefined() && ((Long) rows.get()).longValue() <= 1L) return true;
        java.util.Iterator plans = PlanWalk.plans(plan).iterator();
        while (plans.hasNext()) if (plans.next() instanceof View) return false;
        return true;
    }
}

/** Whether a column is among these. */
final class Within extends scala.runtime.AbstractFunction1 {
    private final org.apache.spark.sql.catalyst.expressions.AttributeSet columns;

    Within(org.apache.spark.sql.catalyst.expressions.AttributeSet columns) {
        this.columns = columns;
    }

    public Object apply(Object column) {
        return Boolean.valueOf(columns.contains((org.apache.spark.sql.catalyst.expressions.NamedExpression) column));
    }
}
