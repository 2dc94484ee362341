package sluice;

import java.util.ArrayList;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.InSubquery;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.OuterReference;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.types.DateType;

/**
 * Finds, in the analysed plan of one query, names that are another column than they look: the list of an IN that is the column of the query
 * around it, and GROUP BY the column although SELECT calls something made of it by the same name. Views are not entered. Written for Janino.
 */
public final class ScopeLook {
    private static final String RECORD = "\u001e";

    /** Names in the list of an IN (SELECT name …) that are columns of the query around it, each with a record separator behind. */
    public static String ofOuter(LogicalPlan plan) {
        return found(plan, true);
    }

    /** Columns by which a query groups, though SELECT calls something made of them by their name, each with a record separator behind. */
    public static String shadowed(LogicalPlan plan) {
        return found(plan, false);
    }

    private static String found(LogicalPlan plan, boolean isOfOuter) {
        StringBuilder text = new StringBuilder();
        java.util.Iterator plans = PlanWalk.plans(plan).iterator();
        while (plans.hasNext()) {
            LogicalPlan next = (LogicalPlan) plans.next();
            if (!isOfOuter && next instanceof Aggregate) groups((Aggregate) next, text);
            java.util.Iterator parts = isOfOuter ? PlanWalk.expressions(next).iterator() : new ArrayList().iterator();
            while (parts.hasNext()) {
                Object part = parts.next();
                if (part instanceof InSubquery) list((LogicalPlan) ((InSubquery) part).query().plan(), text);
            }
        }
        return text.toString();
    }

    private static void list(LogicalPlan query, StringBuilder text) {
        LogicalPlan now = query;
        while (!(now instanceof Project) && now.children().length() == 1) now = (LogicalPlan) now.children().apply(0);
        if (!(now instanceof Project) || ((Project) now).projectList().length() == 0) return;
        Expression first = (Expression) ((Project) now).projectList().apply(0);
        Expression inside = first instanceof Alias ? ((Alias) first).child() : first;
        if (inside instanceof OuterReference) text.append(((OuterReference) inside).name()).append(RECORD);
    }

    private static void groups(Aggregate groups, StringBuilder text) {
        scala.collection.Iterator keys = groups.groupingExpressions().iterator();
        while (keys.hasNext()) {
            Object key = keys.next();
            if (!(key instanceof Attribute)) continue;
            scala.collection.Iterator columns = groups.aggregateExpressions().iterator();
            while (columns.hasNext()) {
                Object column = columns.next();
                if (column instanceof Alias && isMade((Alias) column, (Attribute) key)) text.append(((NamedExpression) column).name()).append(RECORD);
            }
        }
    }

    /** Whether other values of the key hardly ever become the same. */
    private static boolean isOneToOne(Expression made) {
        if (made instanceof Attribute) return true;
        String kind = made.getClass().getSimpleName();
        if (made instanceof Cast && made.dataType() instanceof DateType && !(((Cast) made).child().dataType() instanceof DateType)) return false;
        if (!kind.matches("Coalesce|Cast|Nvl") && !(kind.matches("Add|Subtract|UnaryMinus|DateAdd|DateSub|Concat") && isOfOne(made))) return false;
        scala.collection.Iterator parts = made.children().iterator();
        while (parts.hasNext()) {
            Expression part = (Expression) parts.next();
            if (!part.foldable()) return isOneToOne(part);
        }
        return true;
    }

    /** Whether all parts but one are fixed: month + 1. */
    private static boolean isOfOne(Expression made) {
        int count = 0;
        for (int i = 0; i < made.children().length(); i++) if (!((Expression) made.children().apply(i)).foldable()) count++;
        return count == 1;
    }

    /** Whether a column of the result has the key's name and is made of it, so that several groups may show the same. */
    private static boolean isMade(Alias column, Attribute key) {
        boolean isSame = column.name().equalsIgnoreCase(key.name()) && column.child().references().contains(key);
        return isSame && !isOneToOne(column.child()) && !ValueSafety.hasAggregate(new Expression[] {column.child()});
    }
}
