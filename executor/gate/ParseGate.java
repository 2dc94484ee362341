package sluice;

import java.util.Arrays;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.catalyst.analysis.UnresolvedFunction;
import org.apache.spark.sql.catalyst.analysis.UnresolvedGenerator;
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTableValuedFunction;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;
import org.apache.spark.sql.catalyst.plans.logical.UnresolvedHint;
import org.apache.spark.sql.catalyst.plans.logical.UnresolvedWith;
import org.apache.spark.sql.catalyst.trees.Origin;
import org.apache.spark.sql.catalyst.trees.TreeNode;
import scala.Product;
import scala.Tuple2;
import scala.Tuple3;

/**
 * Decides on the parsed form of one SQL text: everything reachable from Spark's own parse tree must be of a known kind.
 * Unknown means refused. Written for Janino: no lambdas, no type inference.
 *
 * An answer is a list of findings, one a record: kind, name, line, column (from 1; 0 is unknown), separated by UNIT, ended by RECORD.
 * Kinds "view" and "function" are facts (what is used); every other kind is a refusal.
 */
public final class ParseGate {
    public static final char UNIT = (char) 0x1f;
    public static final char RECORD = (char) 0x1e;
    private static final String CATALYST = "org.apache.spark.sql.catalyst.";
    private static final long LARGEST = 10000000L;
    private static final long DEEPEST = 1000L;
    private static final Set SIZE_FIRST = words("space stack randstr");
    private static final Set SIZE_SECOND = words("repeat lpad rpad array_repeat format_number");
    private static final Set TAKES_OPTIONS = words("from_csv schema_of_csv to_csv from_json schema_of_json to_json from_xml schema_of_xml to_xml");

    private final Set nodes;
    private final Set functions;
    private final Set tableFunctions;
    private final Set hints;
    private final Set options;

    /** Each list is a text with one name a line: one call from Python instead of one a name. */
    public ParseGate(String nodes, String functions, String tableFunctions, String hints, String options) {
        this.nodes = lines(nodes);
        this.functions = lines(functions);
        this.tableFunctions = lines(tableFunctions);
        this.hints = lines(hints);
        this.options = lines(options);
    }

    private static Set words(String text) {
        return lines(text.replace(' ', '\n'));
    }

    private static Set lines(String text) {
        return new HashSet(Arrays.asList((Object[]) text.split("\n")));
    }

    /** The findings on `sql`, which may read `views` (names in lower case, one a line). */
    public String check(ParserInterface parser, String sql, String views) {
        StringBuilder answer = new StringBuilder();
        try {
            LogicalPlan plan = parser.parsePlan(sql);
            new Walk(answer).visit(plan, lines(views), origin(plan));
        } catch (ParseException e) {
            report(answer, "syntax", String.valueOf(e.getCondition()) + UNIT + parameters(e), number(e.line()), number(e.startPosition()));
        } catch (StackOverflowError e) {
            report(answer, "too-deep", "", null, null);
        } catch (Exception e) {
            report(answer, "unreadable", String.valueOf(e.getMessage()).split("\n")[0], null, null);
        }
        return answer.toString();
    }

    private static Object number(scala.Option option) {
        return option.isDefined() ? option.get() : null;
    }

    private static Origin origin(Object node) {
        return node instanceof TreeNode ? ((TreeNode) node).origin() : null;
    }

    private static String parameters(ParseException e) {
        StringBuilder text = new StringBuilder();
        Iterator entries = e.getMessageParameters().entrySet().iterator();
        while (entries.hasNext()) {
            Map.Entry entry = (Map.Entry) entries.next();
            text.append(entry.getKey()).append('=').append(entry.getValue()).append('\n');
        }
        return text.toString();
    }

    /** `line` counts from 1, `position` from 0 (Spark's way); both may be null. */
    private static void report(StringBuilder answer, String kind, String name, Object line, Object position) {
        int column = position == null ? 0 : ((Number) position).intValue() + 1;
        answer.append(kind).append(UNIT).append(line == null ? "0" : line.toString()).append(UNIT).append(column);
        answer.append(UNIT).append(name).append(RECORD);
    }

    private static String join(scala.collection.Iterable parts) {
        StringBuilder text = new StringBuilder();
        scala.collection.Iterator each = parts.iterator();
        while (each.hasNext()) {
            if (text.length() > 0) text.append('.');
            text.append(each.next());
        }
        return text.toString();
    }

    /** One pass over one parse tree. */
    private final class Walk {
        private final StringBuilder answer;
        private final IdentityHashMap seen = new IdentityHashMap();

        Walk(StringBuilder answer) {
            this.answer = answer;
        }

        /** `scope`: names that may stand in FROM here. `near`: the place of the closest node that knows its place. */
        void visit(Object thing, Set scope, Origin near) {
            if (thing == null || isPlainValue(thing)) return;
            if (seen.put(thing, Boolean.TRUE) != null) return;
            Origin own = origin(thing);
            Origin place = own != null && own.line().isDefined() ? own : near;
            if (!isKnown(thing)) {
                say("node", thing.getClass().getName(), place);
                return;
            }
            judge(thing, scope, place);
            if (thing instanceof UnresolvedWith) visitWith((UnresolvedWith) thing, scope, place);
            else visitParts(thing, scope, place);
        }

        private void say(String kind, String name, Origin place) {
            Object line = place == null ? null : number(place.line());
            Object position = place == null ? null : number(place.startPosition());
            report(answer, kind, name, line, position);
        }

        private void judge(Object thing, Set scope, Origin place) {
            if (thing instanceof UnresolvedRelation) judgeRelation((UnresolvedRelation) thing, scope, place);
            else if (thing instanceof UnresolvedFunction) judgeFunction((UnresolvedFunction) thing, place);
            else if (thing instanceof UnresolvedGenerator) judgeName(((UnresolvedGenerator) thing).name().unquotedString(), functions, place);
            else if (thing instanceof UnresolvedTableValuedFunction) judgeTableFunction((UnresolvedTableValuedFunction) thing, place);
            else if (thing instanceof UnresolvedHint) {
                String hint = ((UnresolvedHint) thing).name();
                if (!hints.contains(hint.toUpperCase(Locale.ROOT))) say("hint", hint, place);
            }
        }

        private void judgeRelation(UnresolvedRelation relation, Set scope, Origin place) {
            String name = join(relation.multipartIdentifier());
            if (relation.multipartIdentifier().size() != 1) say("path", name, place);
            else if (relation.isStreaming() || !relation.options().isEmpty()) say("relation-options", name, place);
            else if (!scope.contains(name.toLowerCase(Locale.ROOT))) say("unknown-view", name, place);
            else say("view", name, place);
        }

        private void judgeFunction(UnresolvedFunction function, Origin place) {
            if (function.nameParts().size() != 1) {
                say("function-path", join(function.nameParts()), place);
                return;
            }
            String name = String.valueOf(function.nameParts().head()).toLowerCase(Locale.ROOT);
            judgeName(name, functions, place);
            judgeSize(name, function.arguments(), place);
            if (TAKES_OPTIONS.contains(name)) judgeOptions(name, function.arguments(), place);
        }

        /** Options may name files and addresses to read, and are used while the query is analysed: so only known ones, written out. */
        private void judgeOptions(String name, scala.collection.Seq arguments, Origin place) {
            for (int index = 1; index < arguments.size(); index++) {
                if (!(arguments.apply(index) instanceof UnresolvedFunction)) continue;
                UnresolvedFunction call = (UnresolvedFunction) arguments.apply(index);
                if (!String.valueOf(call.nameParts().last()).equalsIgnoreCase("map")) continue;
                for (int key = 0; key < call.arguments().size(); key += 2) judgeOption(name, call.arguments().apply(key), place);
            }
        }

        private void judgeOption(String name, Object key, Origin place) {
            boolean isText = key instanceof Literal && ((Literal) key).dataType() instanceof org.apache.spark.sql.types.StringType;
            String option = isText ? String.valueOf(((Literal) key).value()) : "";
            if (!options.contains(option.toLowerCase(Locale.ROOT))) say("option", name + UNIT + option, place);
        }

        private void judgeTableFunction(UnresolvedTableValuedFunction function, Origin place) {
            if (function.name().size() != 1) {
                say("function-path", join(function.name()), place);
                return;
            }
            String name = String.valueOf(function.name().head()).toLowerCase(Locale.ROOT);
            judgeName(name, tableFunctions, place);
            judgeSize(name, function.functionArgs(), place);
        }

        private void judgeName(String name, Set allowed, Origin place) {
            String lower = name.toLowerCase(Locale.ROOT);
            say(allowed.contains(lower) ? "function" : "unknown-function", lower, place);
        }

        /** Literal sizes that would fill any memory. A comfort: other forms are stopped by the limits on the process. */
        private void judgeSize(String name, scala.collection.Seq arguments, Origin place) {
            if (size(name, arguments) > LARGEST) say("too-large", name, place);
        }

        /** How many values, or letters, the call asks for; 0 when it does not say. */
        private long size(String name, scala.collection.Seq arguments) {
            long first = literal(arguments, 0);
            long second = literal(arguments, 1);
            if (SIZE_FIRST.contains(name)) return first;
            if (SIZE_SECOND.contains(name)) return second;
            if (name.equals("range") || name.equals("sequence")) return arguments.size() == 1 ? first : Math.abs(second - first);
            return name.equals("printf") || name.equals("format_string") ? widest(arguments) : 0;
        }

        /** The longest run of digits in the format text of `printf`. */
        private long widest(scala.collection.Seq arguments) {
            if (arguments.isEmpty() || !(arguments.head() instanceof Literal)) return 0;
            String[] numbers = String.valueOf(((Literal) arguments.head()).value()).split("[^0-9]+");
            long widest = 0;
            for (int index = 0; index < numbers.length; index++) {
                if (numbers[index].length() > 18) return Long.MAX_VALUE;
                if (!numbers[index].isEmpty()) widest = Math.max(widest, Long.parseLong(numbers[index]));
            }
            return widest;
        }

        private long literal(scala.collection.Seq arguments, int index) {
            if (arguments.size() <= index || !(arguments.apply(index) instanceof Literal)) return 0;
            Object value = ((Literal) arguments.apply(index)).value();
            return value instanceof Number ? ((Number) value).longValue() : 0;
        }

        /** Each common table expression sees the ones before it, and itself when recursive; the query sees them all. */
        private void visitWith(UnresolvedWith with, Set scope, Origin place) {
            Set inner = new HashSet(scope);
            scala.collection.Iterator each = with.cteRelations().iterator();
            while (each.hasNext()) {
                Tuple3 definition = (Tuple3) each.next();
                String name = String.valueOf(definition._1()).toLowerCase(Locale.ROOT);
                Set visible = inner;
                if (with.allowRecursion()) {
                    visible = new HashSet(inner);
                    visible.add(name);
                }
                judgeDepth((scala.Option) definition._3(), place);
                visit(definition._2(), visible, place);
                inner.add(name);
            }
            visit(with.child(), inner, place);
        }

        /** Each level of a recursion is a job of its own: a million of them would work until the time limit. */
        private void judgeDepth(scala.Option level, Origin place) {
            if (level.isDefined() && ((Number) level.get()).longValue() > DEEPEST) say("too-many-levels", String.valueOf(level.get()), place);
        }

        private void visitParts(Object thing, Set scope, Origin place) {
            if (thing instanceof scala.collection.Iterable) visitAll(((scala.collection.Iterable) thing).iterator(), scope, place);
            else if (thing instanceof Product) visitAll(((Product) thing).productIterator(), scope, place);
            if (thing instanceof TreeNode) {
                visitAll(((TreeNode) thing).children().iterator(), scope, place);
                visitAll(((TreeNode) thing).innerChildren().iterator(), scope, place);
            }
        }

        private void visitAll(scala.collection.Iterator parts, Set scope, Origin place) {
            while (parts.hasNext()) visit(parts.next(), scope, place);
        }

        private boolean isKnown(Object thing) {
            String name = thing.getClass().getName();
            if (!name.startsWith(CATALYST)) return name.startsWith("scala.");
            String rest = name.substring(CATALYST.length());
            return nodes.contains(rest.endsWith("$") ? rest.substring(0, rest.length() - 1) : rest);
        }

        private boolean isPlainValue(Object thing) {
            String name = thing.getClass().getName();
            return name.startsWith("java.lang.") || name.startsWith("java.math.") || name.equals("java.util.UUID") || name.startsWith("org.apache.spark.sql.types.")
                || name.startsWith("org.apache.spark.unsafe.types.") || name.equals("[B") || thing instanceof scala.Enumeration.Value
                || name.equals("org.apache.spark.sql.catalyst.expressions.GenericInternalRow")
                || name.equals("org.apache.spark.sql.util.CaseInsensitiveStringMap");
        }
    }
}
