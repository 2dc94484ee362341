package sluice;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.Distinct;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.SetOperation;
import org.apache.spark.sql.catalyst.plans.logical.Union;

/**
 * Looks at UNION, EXCEPT and INTERSECT in the analysed plan of one query: they go by the places of columns, so a column may come under
 * the name of another one, or be a number that no two rows share. Written for Janino.
 */
public final class SetLook {
    /** Of each such column its name and the name it comes under, with a unit separator between them and a record separator behind. Views are not entered. */
    public static String crossed(LogicalPlan plan) {
        StringBuilder found = new StringBuilder();
        java.util.Iterator plans = PlanWalk.plans(plan).iterator();
        while (plans.hasNext()) {
            LogicalPlan next = (LogicalPlan) plans.next();
            if (next instanceof Union || next instanceof SetOperation) compare(next.children(), found);
        }
        return found.toString();
    }

    /** Words that look for equal rows (DISTINCT, UNION, EXCEPT, INTERSECT) where every row comes with a number of its own, each with a record separator behind. */
    public static String numbered(LogicalPlan plan) {
        StringBuilder found = new StringBuilder();
        java.util.Iterator plans = PlanWalk.plans(plan).iterator();
        while (plans.hasNext()) {
            LogicalPlan next = (LogicalPlan) plans.next();
            String word = word(next);
            if (word != null && isNumbered(next)) found.append(word).append('\u001e');
        }
        return found.toString();
    }

    private static String word(LogicalPlan plan) {
        if (plan instanceof Distinct) return ((Distinct) plan).child() instanceof Union ? "UNION" : "DISTINCT";
        if (plan instanceof SetOperation) return plan.nodeName().toUpperCase(Locale.ROOT).startsWith("EXCEPT") ? "EXCEPT" : "INTERSECT";
        return null;
    }

    /** Whether rows come with the number that their reading gave them, beside columns of their own. */
    private static boolean isNumbered(LogicalPlan plan) {
        ArrayDeque parts = new ArrayDeque();
        PlanWalk.addAll(plan.children().iterator(), parts);
        LogicalPlan first = (LogicalPlan) parts.getFirst();
        if (first instanceof Union) PlanWalk.addAll(first.children().iterator(), parts);
        while (!parts.isEmpty()) {
            scala.collection.Seq columns = ((LogicalPlan) parts.removeFirst()).output();
            for (int index = 0; index < columns.length() && columns.length() > 1; index++) {
                Attribute column = (Attribute) columns.apply(index);
                boolean isNumber = column.name().equals("_index") || column.name().equals("_monotonically_increasing_id");
                if (isNumber && column.metadata().contains("internal")) return true;
            }
        }
        return false;
    }

    private static void compare(scala.collection.Seq parts, StringBuilder found) {
        scala.collection.Seq first = ((LogicalPlan) parts.apply(0)).output();
        Set known = new HashSet();
        for (int index = 0; index < first.length(); index++) known.add(lower(first, index));
        for (int part = 1; part < parts.length(); part++) {
            scala.collection.Seq columns = ((LogicalPlan) parts.apply(part)).output();
            for (int index = 0; index < Math.min(first.length(), columns.length()); index++) {
                String name = lower(columns, index);
                if (name.equals(lower(first, index)) || !known.contains(name)) continue;
                found.append(name(columns, index)).append('\u001f').append(name(first, index)).append('\u001e');
            }
        }
    }

    private static String name(scala.collection.Seq columns, int index) {
        return ((Attribute) columns.apply(index)).name();
    }

    private static String lower(scala.collection.Seq columns, int index) {
        return name(columns, index).toLowerCase(Locale.ROOT);
    }
}
