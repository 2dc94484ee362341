package sluice;

import java.util.Arrays;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.catalyst.plans.logical.LeafNode;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.catalyst.trees.TreeNode;
import scala.Product;

/**
 * The second look, on the analysed plan right before it runs: data may come only from views that the job registered, and nothing in
 * the plan calls out of Spark's own functions. It catches what a new syntax might slip past the parse gate.
 */
public final class PlanGate {
    private static final Set LEAVES = new HashSet(Arrays.asList(new Object[] {
        "LocalRelation", "OneRowRelation", "Range", "CTERelationRef", "UnionLoopRef", "ResolvedInlineTable",
    }));
    private static final Set REFUSED = new HashSet(Arrays.asList(new Object[] {
        "CallMethodViaReflection", "TryReflect", "InputFileName", "InputFileBlockStart", "InputFileBlockLength", "ScriptTransformation", "ScalaUDF", "PythonUDF",
        "PythonUDAF", "PythonUDTF", "UnresolvedPolymorphicPythonUDTF", "HiveSimpleUDF", "HiveGenericUDF", "HiveGenericUDTF", "HiveUDAFFunction", "CurrentUser", "UserDefinedSQLFunction",
    }));

    private static final String FILE_OPTION = "rowValidationXSDPath";

    /** The name of the first thing that is not allowed, or the empty text. `views` in lower case, one a line. */
    public static String check(LogicalPlan plan, String views) {
        return visit(plan, new HashSet(Arrays.asList((Object[]) views.split("\n"))), new IdentityHashMap());
    }

    private static String visit(Object thing, Set views, IdentityHashMap seen) {
        if (thing == null || seen.put(thing, Boolean.TRUE) != null) return "";
        String name = thing.getClass().getSimpleName().replace("$", "");
        if (REFUSED.contains(name)) return name;
        if (thing instanceof scala.collection.Map && namesFile((scala.collection.Map) thing)) return FILE_OPTION;
        if (thing instanceof View) {
            View view = (View) thing;
            return view.isTempView() && views.contains(view.desc().identifier().table().toLowerCase(Locale.ROOT)) ? "" : "View";
        }
        if (thing instanceof LeafNode && !LEAVES.contains(name)) return name;
        return visitParts(thing, views, seen);
    }

    /** Whether these are options of a function that make it read a file. */
    private static boolean namesFile(scala.collection.Map options) {
        scala.collection.Iterator names = options.keysIterator();
        while (names.hasNext()) if (FILE_OPTION.equalsIgnoreCase(String.valueOf(names.next()))) return true;
        return false;
    }

    private static String visitParts(Object thing, Set views, IdentityHashMap seen) {
        String found = "";
        if (thing instanceof scala.collection.Iterable) found = visitAll(((scala.collection.Iterable) thing).iterator(), views, seen);
        else if (thing instanceof Product) found = visitAll(((Product) thing).productIterator(), views, seen);
        if (found.isEmpty() && thing instanceof TreeNode) {
            found = visitAll(((TreeNode) thing).children().iterator(), views, seen);
            if (found.isEmpty()) found = visitAll(((TreeNode) thing).innerChildren().iterator(), views, seen);
        }
        return found;
    }

    private static String visitAll(scala.collection.Iterator parts, Set views, IdentityHashMap seen) {
        while (parts.hasNext()) {
            String found = visit(parts.next(), views, seen);
            if (!found.isEmpty()) return found;
        }
        return "";
    }
}
