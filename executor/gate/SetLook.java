package sluice;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.SetOperation;
import org.apache.spark.sql.catalyst.plans.logical.Union;
import org.apache.spark.sql.catalyst.plans.logical.View;

/**
 * Looks at UNION, EXCEPT and INTERSECT in the analysed plan of one query: they go by the places of columns, so a column may come under
 * the name of another one. Written for Janino.
 */
public final class SetLook {
    /** Of each such column its name and the name it comes under, with a unit separator between them and a record separator behind. Views are not entered. */
    public static String crossed(LogicalPlan plan) {
        StringBuilder found = new StringBuilder();
        ArrayDeque waiting = new ArrayDeque(); // a query of thousands of UNIONs is as deep
        waiting.add(plan);
        while (!waiting.isEmpty()) {
            LogicalPlan next = (LogicalPlan) waiting.removeFirst();
            if (next instanceof View) continue;
            if (next instanceof Union || next instanceof SetOperation) compare(next.children(), found);
            addAll(next.children().iterator(), waiting);
            addAll(next.innerChildren().iterator(), waiting);
        }
        return found.toString();
    }

    private static void addAll(scala.collection.Iterator plans, ArrayDeque waiting) {
        while (plans.hasNext()) {
            Object plan = plans.next();
            if (plan instanceof LogicalPlan) waiting.add(plan);
        }
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
