package sluice;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.LessThan;
import org.apache.spark.sql.catalyst.expressions.LessThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.CTERelationDef;
import org.apache.spark.sql.catalyst.plans.logical.CTERelationRef;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;
import org.apache.spark.sql.catalyst.plans.logical.Union;
import org.apache.spark.sql.catalyst.plans.logical.Window;

/** Which columns of a query's plan come out of it or decide what does, and how many rows a condition on a row_number() keeps. Written for Janino. */
final class UsedColumns {
    private static final int MOST_ROUNDS = 50, MOST_CUT = 1000;
    private final List plans;
    private final Map made = new HashMap(), commons = new HashMap(), kept = new HashMap();
    private Set used = null;

    UsedColumns(LogicalPlan plan) {
        plans = PlanWalk.plans(plan);
        for (int i = 0; i < plans.size(); i++) if (plans.get(i) instanceof CTERelationDef) commons.put(Long.valueOf(((CTERelationDef) plans.get(i)).id()), plans.get(i));
    }

    private static Long number(Attribute column) {
        return Long.valueOf(column.exprId().id());
    }

    boolean isUsed(Attribute column) {
        if (used == null) findUsed();
        return used.contains(number(column));
    }

    // --- what comes out

    private void findUsed() {
        used = new HashSet();
        noteAll(((LogicalPlan) plans.get(0)).output().iterator());
        int before = -1;
        for (int round = 0; round < MOST_ROUNDS && used.size() != before; round++) {
            before = used.size();
            for (int i = 0; i < plans.size(); i++) note((LogicalPlan) plans.get(i));
        }
    }

    private void noteAll(scala.collection.Iterator columns) {
        while (columns.hasNext()) used.add(number((Attribute) columns.next()));
    }

    private void note(LogicalPlan plan) {
        scala.collection.Iterator inner = plan.innerChildren().iterator();
        while (inner.hasNext()) {
            Object next = inner.next();
            if (next instanceof LogicalPlan && !(next instanceof CTERelationDef)) noteAll(((LogicalPlan) next).output().iterator());
        }
        if (plan instanceof CTERelationRef) common((CTERelationRef) plan);
        else if (plan instanceof Union) for (int i = 0; i < plan.children().length(); i++) sameColumns(plan, (LogicalPlan) plan.children().apply(i));
        else if (plan instanceof Project || plan instanceof Aggregate || plan instanceof Window) expressions(plan);
        else noteAll(plan.references().iterator());
    }

    /** Of what is made only what comes out; keys of groups and orders in any case. */
    private void expressions(LogicalPlan plan) {
        scala.collection.Iterator parts = plan.expressions().iterator();
        while (parts.hasNext()) {
            Object part = parts.next();
            boolean isPassed = part instanceof Attribute && plan instanceof Project;
            boolean isLeft = part instanceof Alias && !used.contains(Long.valueOf(((Alias) part).exprId().id()));
            if (!isPassed && !isLeft) noteAll(((Expression) part).references().iterator());
        }
    }

    private void common(CTERelationRef plan) {
        Object found = commons.get(Long.valueOf(plan.cteId()));
        if (found != null) sameColumns(plan, (LogicalPlan) found);
    }

    private void sameColumns(LogicalPlan plan, LogicalPlan from) {
        for (int i = 0; i < Math.min(plan.output().length(), from.output().length()); i++) {
            if (used.contains(number((Attribute) plan.output().apply(i)))) used.add(number((Attribute) from.output().apply(i)));
        }
    }

    // --- row_number() = 1

    /** How many rows conditions on this column keep, which numbers rows from 1; 0 where none does. */
    int keptOf(long column) {
        if (made.isEmpty()) findMade();
        return keptOf(column, kept);
    }

    private int keptOf(long column, Map kept) {
        Iterator conditions = kept.keySet().iterator();
        while (conditions.hasNext()) {
            Long asked = (Long) conditions.next(), now = asked;
            for (int steps = 0; steps < MOST_ROUNDS && now != null; steps++) {
                if (now.longValue() == column) return ((Integer) kept.get(asked)).intValue();
                now = (Long) made.get(now);
            }
        }
        return 0;
    }

    /**
     * How many rows a condition lets through that stands right above a window with nothing but a row_number(), and that all its rows must
     * pass; 0 where none does, or where somebody else may see the rows.
     */
    int cutAbove(Window window) {
        Object only = window.windowExpressions().length() == 1 ? window.windowExpressions().apply(0) : null;
        if (!(only instanceof Alias)) return 0;
        if (made.isEmpty()) findMade();
        for (int i = 0; i < plans.size(); i++) {
            LogicalPlan plan = (LogicalPlan) plans.get(i);
            if (!(plan instanceof Filter) || below((LogicalPlan) ((Filter) plan).child()) != window) continue;
            Map own = new HashMap();
            condition(((Filter) plan).condition(), own);
            int rows = keptOf(((Alias) only).exprId().id(), own);
            return rows <= MOST_CUT ? rows : 0;
        }
        return 0;
    }

    /** What stands below columns that are passed on, and below the name of a query that is read here alone. */
    private LogicalPlan below(LogicalPlan rows) {
        LogicalPlan now = rows;
        for (int steps = 0; steps < MOST_ROUNDS; steps++) {
            Object query = now instanceof CTERelationRef && isReadOnce((CTERelationRef) now) ? commons.get(Long.valueOf(((CTERelationRef) now).cteId())) : null;
            if (query != null) now = (LogicalPlan) query;
            else if (now instanceof Project || now instanceof SubqueryAlias || now instanceof CTERelationDef) now = (LogicalPlan) now.children().apply(0);
            else return now;
        }
        return now;
    }

    private boolean isReadOnce(CTERelationRef one) {
        int count = 0;
        for (int i = 0; i < plans.size(); i++) if (plans.get(i) instanceof CTERelationRef && ((CTERelationRef) plans.get(i)).cteId() == one.cteId()) count++;
        return count == 1;
    }

    /** Notes of what other column a column is the same, and the conditions. */
    private void findMade() {
        made.put(Long.valueOf(-1L), null);
        for (int i = 0; i < plans.size(); i++) {
            LogicalPlan plan = (LogicalPlan) plans.get(i);
            if (plan instanceof Filter) condition(((Filter) plan).condition(), kept);
            if (plan instanceof CTERelationRef && commons.get(Long.valueOf(((CTERelationRef) plan).cteId())) != null) {
                LogicalPlan from = (LogicalPlan) commons.get(Long.valueOf(((CTERelationRef) plan).cteId()));
                for (int j = 0; j < plan.output().length(); j++) {
                    Long one = number((Attribute) plan.output().apply(j)), other = number((Attribute) from.output().apply(j));
                    if (!one.equals(other)) made.put(one, other);
                }
            }
            scala.collection.Iterator parts = plan.expressions().iterator();
            while (parts.hasNext()) {
                Object part = parts.next();
                if (part instanceof Alias && ((Alias) part).child() instanceof Attribute) made.put(Long.valueOf(((Alias) part).exprId().id()), number((Attribute) ((Alias) part).child()));
            }
        }
    }

    private static void condition(Expression part, Map kept) {
        if (part instanceof And) {
            condition(((And) part).left(), kept);
            condition(((And) part).right(), kept);
            return;
        }
        if (!(part instanceof EqualTo || part instanceof LessThan || part instanceof LessThanOrEqual)) return;
        Object column = part.children().apply(0), most = part.children().apply(1);
        if (!(column instanceof Attribute) || !(most instanceof Literal) || !(((Literal) most).value() instanceof Integer)) return;
        int rows = ((Integer) ((Literal) most).value()).intValue() - (part instanceof LessThan ? 1 : 0);
        if (!(part instanceof EqualTo) || rows == 1) kept.put(number((Attribute) column), Integer.valueOf(rows));
    }
}
