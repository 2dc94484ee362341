package sluice;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.View;

/**
 * The parts of one query's plan. Views that it reads are not entered: each was looked at where it was made. A query of thousands of UNIONs
 * is as deep, so nothing here calls itself. Written for Janino.
 */
final class PlanWalk {
    /** Every plan, with those of subqueries. */
    static List plans(LogicalPlan plan) {
        List found = new ArrayList();
        ArrayDeque waiting = new ArrayDeque();
        waiting.add(plan);
        while (!waiting.isEmpty()) {
            LogicalPlan next = (LogicalPlan) waiting.removeFirst();
            found.add(next);
            if (next instanceof View) continue;
            addAll(next.children().iterator(), waiting);
            addAll(next.innerChildren().iterator(), waiting);
        }
        return found;
    }

    /** Every expression that stands in one plan of a query, with those within them; not those of subqueries. */
    static List expressions(LogicalPlan plan) {
        List found = new ArrayList();
        ArrayDeque waiting = new ArrayDeque();
        addAll(plan.expressions().iterator(), waiting);
        while (!waiting.isEmpty()) {
            Expression next = (Expression) waiting.removeFirst();
            found.add(next);
            addAll(next.children().iterator(), waiting);
        }
        return found;
    }

    /** What must hold all at once: the parts of a condition with AND between them. */
    static List conditions(Expression condition) {
        List found = new ArrayList();
        ArrayDeque waiting = new ArrayDeque();
        waiting.add(condition);
        while (!waiting.isEmpty()) {
            Expression next = (Expression) waiting.removeFirst();
            if (next instanceof And) addAll(next.children().iterator(), waiting);
            else found.add(next);
        }
        return found;
    }

    static void addAll(scala.collection.Iterator found, ArrayDeque waiting) {
        while (found.hasNext()) {
            Object next = found.next();
            if (next instanceof LogicalPlan || next instanceof Expression) waiting.add(next);
        }
    }
}
