package sluice;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.plans.QueryPlan;
import org.apache.spark.sql.catalyst.plans.logical.CollectMetrics;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.execution.CollectMetricsExec;
import org.apache.spark.sql.execution.QueryExecution;
import org.apache.spark.sql.execution.adaptive.AdaptiveSparkPlanExec;
import org.apache.spark.sql.execution.columnar.InMemoryRelation;
import org.apache.spark.sql.util.QueryExecutionListener;

/**
 * Keeps what views counted while their rows went by (`Dataset.observe`). A view that several queries read is counted by each of them:
 * of the queries that read all its rows the one that saw most is kept, so that nothing is counted twice. Written for Janino.
 */
public final class Observed implements QueryExecutionListener {
    private static final String PREFIX = "sluice-watch-";
    private static final int KEPT = 2000;
    private static final Set STOPS_EARLY = new HashSet(Arrays.asList(new Object[] {
        "GlobalLimit", "LocalLimit", "Offset", "Tail", "GlobalLimitExec", "LocalLimitExec", "CollectLimitExec", "CollectTailExec",
    }));
    private static final Set READS_ALL_BELOW = new HashSet(Arrays.asList(new Object[] {
        "Aggregate", "Sort", "Window", "Distinct", "Deduplicate", "Repartition", "RepartitionByExpression",
        "HashAggregateExec", "ObjectHashAggregateExec", "SortAggregateExec", "SortExec", "ShuffleExchangeExec", "BroadcastExchangeExec",
    }));
    private static final Set KEEPS_ROWS = new HashSet(Arrays.asList(new Object[] {
        "Project", "Filter", "SubqueryAlias", "CollectMetrics", "InMemoryRelation", "ProjectExec", "FilterExec", "CollectMetricsExec",
        "WholeStageCodegenExec", "InputAdapter", "AdaptiveSparkPlanExec", "ColumnarToRowExec",
    }));
    private static final long NO_LIMIT = -1L, UNKNOWN = 0L;
    private final LinkedHashMap counts = new LinkedHashMap();
    private final JoinNumbers joins = new JoinNumbers();

    public void onSuccess(String function, QueryExecution query, long nanoseconds) {
        note(query);
    }

    public void onFailure(String function, QueryExecution query, Exception error) {
        note(query);
    }

    private void note(QueryExecution query) {
        try {
            joins.note(query.executedPlan());
            Map limits = new HashMap();
            visit(query.optimizedPlan(), NO_LIMIT, limits);
            scala.collection.Iterator found = query.observedMetrics().iterator();
            while (found.hasNext()) {
                scala.Tuple2 pair = (scala.Tuple2) found.next();
                if (String.valueOf(pair._1()).startsWith(PREFIX)) keep((String) pair._1(), (Row) pair._2(), (Long) limits.get(pair._1()));
            }
        } catch (Exception error) { // Spark throws checked ones, too, without saying so
            return; // a query that failed before it had a plan has counted nothing
        }
    }

    /**
     * Notes for every watched view in `plan` below which LIMIT it stands: a view with fewer rows has been read to its end. NO_LIMIT where
     * nothing stops early, or where something between needs all rows; UNKNOWN where the limit counts other rows than the view's.
     */
    private static void visit(QueryPlan plan, long limit, Map found) {
        String kind = plan.getClass().getSimpleName();
        if (plan instanceof CollectMetrics) note(((CollectMetrics) plan).name(), limit, found);
        if (plan instanceof CollectMetricsExec) note(((CollectMetricsExec) plan).name(), limit, found);
        long below = limit;
        if (READS_ALL_BELOW.contains(kind)) below = NO_LIMIT;
        else if (STOPS_EARLY.contains(kind)) below = limitOf(plan);
        else if (limit != NO_LIMIT && !KEEPS_ROWS.contains(kind)) below = UNKNOWN;
        if (plan instanceof InMemoryRelation) visit(((InMemoryRelation) plan).cachedPlan(), limit, found);
        if (plan instanceof AdaptiveSparkPlanExec) visit(((AdaptiveSparkPlanExec) plan).inputPlan(), limit, found);
        scala.collection.Iterator parts = plan.children().iterator();
        while (parts.hasNext()) visit((QueryPlan) parts.next(), below, found);
        scala.collection.Iterator inner = plan.subqueries().iterator();
        while (inner.hasNext()) visit((QueryPlan) inner.next(), NO_LIMIT, found);
    }

    private static long limitOf(QueryPlan plan) {
        Object number = null;
        if (plan instanceof GlobalLimit) number = ((GlobalLimit) plan).limitExpr();
        if (plan instanceof LocalLimit) number = ((LocalLimit) plan).limitExpr();
        return number instanceof Literal && ((Literal) number).value() instanceof Number ? ((Number) ((Literal) number).value()).longValue() : UNKNOWN;
    }

    private static void note(String name, long limit, Map found) {
        Long known = (Long) found.get(name);
        if (known == null || limit == NO_LIMIT || (known.longValue() != NO_LIMIT && limit > known.longValue())) found.put(name, Long.valueOf(limit));
    }

    /** Counts of a whole view come before those of a part of it, and more rows before fewer. */
    private synchronized void keep(String name, Row row, Long limit) {
        long[] now = new long[row.size() + 1];
        now[0] = limit != null && (limit.longValue() == NO_LIMIT || number(row, 0) < limit.longValue()) ? 1L : 0L;
        for (int i = 0; i < row.size(); i++) now[i + 1] = number(row, i);
        long[] before = (long[]) counts.get(name);
        if (before != null && (before[0] > now[0] || (before[0] == now[0] && before[1] > now[1]))) return;
        counts.put(name, now);
        if (counts.size() > KEPT) counts.remove(counts.keySet().iterator().next());
    }

    /** Whatever kind of number it is: one that could not be read would hide the counts of the whole query. */
    private static long number(Row row, int place) {
        return row.isNullAt(place) ? 0L : ((Number) row.get(place)).longValue();
    }

    /** What is known of one join, as `JoinNumbers.of` says it. */
    public String ofJoin(String name) {
        return joins.of(name);
    }

    /** What is known of one view, joined by spaces: 1 when all its rows were read, else 0; its rows; its counts. Empty when no query has read it. */
    public synchronized String of(String name) {
        long[] numbers = (long[]) counts.get(name);
        if (numbers == null) return "";
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < numbers.length; i++) text.append(i == 0 ? "" : " ").append(numbers[i]);
        return text.toString();
    }
}
