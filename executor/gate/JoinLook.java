package sluice;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.EqualNullSafe;
import org.apache.spark.sql.catalyst.expressions.EqualTo;
import org.apache.spark.sql.catalyst.expressions.ExprId;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.planning.ExtractEquiJoinKeys;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.catalyst.plans.logical.Window;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Finds the joins of one query whose rows may be multiplied: by equal keys alone, and with what is made of their rows not being the same
 * however often a row comes (DISTINCT, max, row_number). Whether a key stands more than once on both sides is asked of the rows later
 * (`JoinNumbers` says where that is worth while). Written for Janino.
 */
public final class JoinLook {
    private static final int MOST = 12;
    private static final String UNIT = "\u001f", RECORD = "\u001e";
    private static final Set KINDS = new HashSet(Arrays.asList(new Object[] {"Inner", "LeftOuter", "RightOuter", "FullOuter"}));
    private static final Set SAME_HOWEVER_OFTEN = new HashSet(Arrays.asList(new Object[] {
        "Max", "Min", "MaxBy", "MinBy", "First", "Last", "AnyValue", "BitAndAgg", "BitOrAgg", "CollectSet", "HyperLogLogPlusPlus",
    }));
    private static final Set ADDS = new HashSet(Arrays.asList(new Object[] {"Sum", "TrySum", "Average", "TryAverage"}));
    private static final Set RANKS = new HashSet(Arrays.asList(new Object[] {"RowNumber", "Rank", "DenseRank", "NthValue", "PercentRank"}));
    private final Set own = new HashSet(), named = new HashSet();
    private final List joins = new ArrayList(), ranges = new ArrayList();
    private final List adding = new ArrayList();

    public JoinLook(LogicalPlan analyzed, LogicalPlan optimized) {
        noteOwn(analyzed);
        if (!own.isEmpty() || !named.isEmpty()) look(optimized, false, null);
    }

    /**
     * Of each join: its name for JoinNumbers, its kind, both keys as people read them, and whether numbers of the left side alone are added
     * behind it (1; 2 where others of the right side alone are, too; else 0); with unit separators, and a record separator.
     */
    public String points() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < joins.size(); i++) {
            scala.Product parts = parts((Join) joins.get(i));
            scala.collection.Seq left = (scala.collection.Seq) parts.productElement(1), right = (scala.collection.Seq) parts.productElement(2);
            text.append(name(left, right)).append(UNIT).append(parts.productElement(0)).append(UNIT).append(shown(left)).append(UNIT);
            text.append(shown(right)).append(UNIT).append(adding.get(i)).append(RECORD);
        }
        return text.toString();
    }

    /** Of each join of values with ranges what `RangeLook.point` says, with a record separator behind. */
    public String ranges() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < ranges.size(); i++) text.append(((RangeLook) ranges.get(i)).point()).append(RECORD);
        return text.toString();
    }

    public Dataset rangeRows(org.apache.spark.sql.classic.SparkSession session, int place) {
        return ((RangeLook) ranges.get(place)).rangeRows(session);
    }

    public Dataset valueRows(org.apache.spark.sql.classic.SparkSession session, int place) {
        return ((RangeLook) ranges.get(place)).valueRows(session);
    }

    /** The keys of one side (0 left, 1 right) of a join, as columns k0, k1 …. */
    public Dataset keys(org.apache.spark.sql.classic.SparkSession session, int place, int side) {
        scala.Product parts = parts((Join) joins.get(place));
        scala.collection.Seq keys = (scala.collection.Seq) parts.productElement(1 + side);
        List columns = new ArrayList();
        for (int i = 0; i < keys.length(); i++) {
            ExprId number = org.apache.spark.sql.catalyst.expressions.NamedExpression$.MODULE$.newExprId();
            scala.collection.immutable.Seq none = seqOf(new ArrayList());
            columns.add(new Alias((Expression) keys.apply(i), "k" + i, number, none, scala.Option.empty(), none));
        }
        LogicalPlan rows = (LogicalPlan) parts.productElement(5 + side);
        return org.apache.spark.sql.classic.Dataset$.MODULE$.ofRows(session, new Project(seqOf(columns), rows));
    }

    /** A name for a join by the columns that its keys are made of: the same wherever its plan ends up. */
    static String name(scala.collection.Seq left, scala.collection.Seq right) {
        TreeSet pairs = new TreeSet();
        for (int i = 0; i < left.length(); i++) pairs.add(pair((Expression) left.apply(i), (Expression) right.apply(i)));
        return "sluice-watch-join" + pairs.toString().replace(" ", "");
    }

    private static String pair(Expression one, Expression other) {
        TreeSet numbers = new TreeSet();
        note(one, numbers);
        note(other, numbers);
        return numbers.toString();
    }

    private static void note(Expression value, Set numbers) {
        scala.collection.Iterator columns = value.references().iterator();
        while (columns.hasNext()) numbers.add(Long.valueOf(((Attribute) columns.next()).exprId().id()));
    }

    private static String shown(scala.collection.Seq keys) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < keys.length(); i++) {
            scala.collection.Iterator columns = ((Expression) keys.apply(i)).references().iterator();
            if (columns.hasNext()) text.append(text.length() == 0 ? "" : ", ").append(((NamedExpression) columns.next()).name());
        }
        return text.toString();
    }

    private static scala.Product parts(Join join) {
        scala.Option found = ExtractEquiJoinKeys.unapply(join);
        return found.isDefined() ? (scala.Product) found.get() : null;
    }

    // --- finding

    /** The equal keys that the query itself names: views were looked at where they were made. */
    private void noteOwn(LogicalPlan analyzed) {
        ArrayDeque waiting = new ArrayDeque();
        waiting.add(analyzed);
        while (!waiting.isEmpty()) {
            Object next = waiting.removeFirst();
            if (next instanceof View) continue;
            if (next instanceof EqualTo || next instanceof EqualNullSafe) {
                scala.collection.Seq sides = ((Expression) next).children();
                own.add(pair((Expression) sides.apply(0), (Expression) sides.apply(1)));
            }
            if (next instanceof Join && ((Join) next).condition().isDefined()) note((Expression) ((Join) next).condition().get(), named);
            if (next instanceof Filter) note(((Filter) next).condition(), named);
            if (next instanceof SubqueryExpression) waiting.add(((SubqueryExpression) next).plan());
            if (next instanceof LogicalPlan) addAll(((LogicalPlan) next).expressions().iterator(), waiting);
            if (next instanceof LogicalPlan) addAll(((LogicalPlan) next).children().iterator(), waiting);
            if (next instanceof Expression) addAll(((Expression) next).children().iterator(), waiting);
        }
    }

    /** `isSame`: what is made of these rows is the same however often each comes; `above`: the aggregate that they go into, if any. */
    private void look(LogicalPlan node, boolean isSame, Aggregate above) {
        if (joins.size() + ranges.size() >= MOST) return;
        boolean same = isSame;
        Aggregate into = above;
        if (node instanceof Aggregate) {
            into = (Aggregate) node;
            same = isSameHoweverOften(into);
        }
        if (node instanceof Window && has(node, RANKS)) same = true;
        if (node instanceof Join) add((Join) node, same, into);
        lookInside(node);
        for (int side = 0; side < node.children().length(); side++) {
            boolean isAsked = side == 1 && node instanceof Join && isOfOneSide((Join) node);
            look((LogicalPlan) node.children().apply(side), same || isAsked, into);
        }
    }

    /** Subqueries that answer with one value stay within expressions. */
    private void lookInside(LogicalPlan node) {
        scala.collection.Iterator inner = node.subqueries().iterator();
        while (inner.hasNext()) look((LogicalPlan) inner.next(), false, null);
    }

    private static boolean isOfOneSide(Join join) {
        String kind = join.joinType().toString();
        return kind.startsWith("LeftSemi") || kind.startsWith("LeftAnti") || kind.startsWith("ExistenceJoin");
    }

    private void add(Join join, boolean isSame, Aggregate into) {
        if (isSame || !KINDS.contains(join.joinType().toString())) return;
        scala.Product parts = parts(join);
        if (parts == null || ((scala.Option) parts.productElement(3)).isDefined()) { // a further condition may choose among the pairs
            RangeLook found = RangeLook.of(join, named, into);
            if (found != null) ranges.add(found);
            return;
        }
        scala.collection.Seq left = (scala.collection.Seq) parts.productElement(1), right = (scala.collection.Seq) parts.productElement(2);
        boolean isOwn = false;
        for (int i = 0; i < left.length(); i++) isOwn = isOwn || own.contains(pair((Expression) left.apply(i), (Expression) right.apply(i)));
        if (!isOwn) return;
        joins.add(join);
        boolean addsLeft = into != null && addsOf(into, join.left(), false);
        adding.add(!addsLeft ? "0" : addsOf(into, join.right(), false) ? "2" : "1");
    }

    private static boolean isSameHoweverOften(Aggregate groups) {
        List found = aggregates(groups);
        for (int i = 0; i < found.size(); i++) {
            AggregateExpression next = (AggregateExpression) found.get(i);
            if (!next.isDistinct() && !SAME_HOWEVER_OFTEN.contains(next.aggregateFunction().getClass().getSimpleName())) return false;
        }
        return true;
    }

    /** Whether numbers of this side are added; `isBeside`: also with those of the other one. */
    static boolean addsOf(Aggregate groups, LogicalPlan side, boolean isBeside) {
        List found = aggregates(groups);
        for (int i = 0; i < found.size(); i++) {
            Expression next = (Expression) ((AggregateExpression) found.get(i)).aggregateFunction();
            boolean isOfSide = isBeside ? next.references().intersect(side.outputSet()).nonEmpty() : next.references().nonEmpty() && next.references().subsetOf(side.outputSet());
            if (ADDS.contains(next.getClass().getSimpleName()) && isOfSide) return true;
        }
        return false;
    }

    private static List aggregates(Aggregate groups) {
        List found = new ArrayList();
        ArrayDeque waiting = new ArrayDeque();
        addAll(groups.aggregateExpressions().iterator(), waiting);
        while (!waiting.isEmpty()) {
            Expression next = (Expression) waiting.removeFirst();
            if (next instanceof AggregateExpression) found.add(next);
            else addAll(next.children().iterator(), waiting);
        }
        return found;
    }

    private static boolean has(LogicalPlan node, Set kinds) {
        ArrayDeque waiting = new ArrayDeque();
        addAll(node.expressions().iterator(), waiting);
        while (!waiting.isEmpty()) {
            Expression next = (Expression) waiting.removeFirst();
            if (kinds.contains(next.getClass().getSimpleName())) return true;
            addAll(next.children().iterator(), waiting);
        }
        return false;
    }

    private static void addAll(scala.collection.Iterator found, ArrayDeque waiting) {
        while (found.hasNext()) waiting.add(found.next());
    }

    private static scala.collection.immutable.Seq seqOf(List given) {
        return CollectionConverters.asScala(given).toSeq();
    }
}
