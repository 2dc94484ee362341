package sluice;

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
        visit(plan, found);
        return found.toString();
    }

    private static void visit(LogicalPlan plan, StringBuilder found) {
        if (plan instanceof View) return;
        if (plan instanceof Union || plan instanceof SetOperation) compare(plan.children(), found);
        visitAll(plan.children().iterator(), found);
        visitAll(plan.innerChildren().iterator(), found);
    }

    private static void visitAll(scala.collection.Iterator plans, StringBuilder found) {
        while (plans.hasNext()) {
            Object plan = plans.next();
            if (plan instanceof LogicalPlan) visit((LogicalPlan) plan, found);
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
