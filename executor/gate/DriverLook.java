package sluice;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Union;
import org.apache.spark.sql.catalyst.plans.logical.View;

/** Finds the views without whose rows a query has nothing to look at: of a join those of its first side. Written for Janino. */
public final class DriverLook {
    private final Set known;
    private final StringBuilder found = new StringBuilder();

    private DriverLook(Set known) {
        this.known = known;
    }

    /** Names, one a line, of the views among `known` (names in small letters, one a line) that the rows of a plan begin with. */
    public static String views(LogicalPlan plan, String known) {
        DriverLook look = new DriverLook(new HashSet(Arrays.asList(known.split("\n"))));
        look.visit(plan);
        return look.found.toString();
    }

    private void visit(LogicalPlan plan) {
        LogicalPlan now = plan;
        while (true) {
            if (now instanceof View && known.contains(name((View) now))) {
                found.append(name((View) now)).append('\n');
                return;
            }
            if (now instanceof Union) {
                for (int i = 0; i < now.children().length(); i++) visit((LogicalPlan) now.children().apply(i));
                return;
            }
            if (now.children().isEmpty()) return;
            boolean isRight = now instanceof Join && ((Join) now).joinType().toString().equals("RightOuter");
            now = (LogicalPlan) now.children().apply(isRight ? 1 : 0);
        }
    }

    private static String name(View view) {
        return view.desc().identifier().table().toLowerCase(Locale.ROOT);
    }
}
