package sluice;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Set;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.catalyst.plans.QueryPlan;
import org.apache.spark.sql.execution.columnar.InMemoryTableScanExec;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.adaptive.AdaptiveSparkPlanExec;
import org.apache.spark.sql.execution.adaptive.QueryStageExec;
import org.apache.spark.sql.execution.exchange.BroadcastExchangeExec;
import org.apache.spark.sql.execution.exchange.ReusedExchangeExec;
import org.apache.spark.sql.execution.joins.BaseJoinExec;
import org.apache.spark.sql.execution.joins.BroadcastHashJoinExec;
import org.apache.spark.sql.execution.joins.HashedRelation;
import org.apache.spark.util.AccumulatorV2;

/**
 * What Spark itself has counted at the joins of a finished query: rows out, rows of both sides, and whether the side it kept in memory has a
 * key more than once. All of it is there already, so that nothing is counted for it. Written for Janino.
 */
public final class JoinNumbers {
    private static final int KEPT = 500, KEPT_OF_ONE = 30;
    private static final long UNKNOWN = -1L;
    private final LinkedHashMap found = new LinkedHashMap();

    /** Notes the joins of a finished query. */
    public void note(SparkPlan plan) {
        visit(plan, Collections.newSetFromMap(new IdentityHashMap()));
    }

    private void visit(QueryPlan plan, Set seen) {
        if (!seen.add(plan)) return;
        if (plan instanceof BaseJoinExec) keep((SparkPlan) plan);
        QueryPlan inside = inside(plan);
        if (inside != null) visit(inside, seen);
        scala.collection.Iterator parts = plan.children().iterator();
        while (parts.hasNext()) visit((QueryPlan) parts.next(), seen);
        scala.collection.Iterator inner = plan.subqueries().iterator();
        while (inner.hasNext()) visit((QueryPlan) inner.next(), seen);
    }

    private static QueryPlan inside(QueryPlan plan) {
        if (plan instanceof AdaptiveSparkPlanExec) return ((AdaptiveSparkPlanExec) plan).executedPlan();
        if (plan instanceof QueryStageExec) return ((QueryStageExec) plan).plan();
        if (plan instanceof ReusedExchangeExec) return ((ReusedExchangeExec) plan).child();
        if (plan instanceof InMemoryTableScanExec) return ((InMemoryTableScanExec) plan).relation().cachedPlan();
        return null;
    }

    private void keep(SparkPlan join) {
        BaseJoinExec keys = (BaseJoinExec) join;
        SparkPlan left = (SparkPlan) join.children().apply(0), right = (SparkPlan) join.children().apply(1);
        String name = JoinLook.name(keys.leftKeys(), keys.rightKeys());
        String now = rows(join) + " " + rows(left) + " " + rows(right) + " " + repeated(join, left, right);
        synchronized (this) {
            Set known = (Set) found.remove(name);
            if (known == null) known = new LinkedHashSet();
            known.remove(now);
            known.add(now);
            if (known.size() > KEPT_OF_ONE) known.remove(known.iterator().next());
            found.put(name, known);
            if (found.size() > KEPT) found.remove(found.keySet().iterator().next());
        }
    }

    /** Rows that come out of a plan; -1 where nothing has counted them. */
    private static long rows(SparkPlan plan) {
        QueryPlan now = plan;
        while (now instanceof SparkPlan) {
            scala.Option counted = ((SparkPlan) now).metrics().get("numOutputRows");
            if (!counted.isDefined()) counted = ((SparkPlan) now).metrics().get("shuffleRecordsWritten");
            if (counted.isDefined()) return ((Long) ((AccumulatorV2) counted.get()).value()).longValue();
            QueryPlan inside = inside(now);
            if (inside == null && now.children().length() != 1) return UNKNOWN;
            if (inside == null && now.getClass().getSimpleName().indexOf("Limit") >= 0) return UNKNOWN;
            now = inside != null ? inside : (QueryPlan) now.children().apply(0);
        }
        return UNKNOWN;
    }

    /** 0: no key of the side kept in memory comes twice; 1, 2: one of the left, of the right side does; -1: no side was kept as a whole. */
    private static long repeated(SparkPlan join, SparkPlan left, SparkPlan right) {
        if (!(join instanceof BroadcastHashJoinExec)) return UNKNOWN;
        boolean isLeft = ((BroadcastHashJoinExec) join).buildSide().toString().equals("BuildLeft");
        QueryPlan now = isLeft ? left : right;
        while (now != null && !(now instanceof BroadcastExchangeExec)) now = inside(now) != null ? inside(now) : now.children().isEmpty() ? null : (QueryPlan) now.children().apply(0);
        if (now == null) return UNKNOWN;
        try {
            Object kept = ((Broadcast) ((BroadcastExchangeExec) now).relationFuture().get()).value();
            if (!(kept instanceof HashedRelation)) return UNKNOWN;
            return ((HashedRelation) kept).keyIsUnique() ? 0L : isLeft ? 1L : 2L;
        } catch (Exception error) { // gone already, or never made, as the query failed
            return UNKNOWN;
        }
    }

    /**
     * Rows out, rows of the left and the right side, and `repeated`, joined by spaces; one line for each time that they were others, as queries
     * may join the same columns of other rows. Empty where no query with this join has ended.
     */
    public synchronized String of(String name) {
        Set known = (Set) found.get(name);
        return known == null ? "" : String.join("\n", known);
    }
}
