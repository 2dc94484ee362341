package sluice;

import java.util.HashMap;
import java.util.Map;
import org.apache.spark.executor.TaskMetrics;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerStageSubmitted;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** Adds up what tasks report, by job group: the runner gives every stage of a job a group of its own. Written for Janino. */
public final class TaskTotals extends SparkListener {
    private final Map groupOfStage = new HashMap();
    private final Map totals = new HashMap();

    public synchronized void onStageSubmitted(SparkListenerStageSubmitted event) {
        String group = event.properties() == null ? null : event.properties().getProperty("spark.jobGroup.id");
        if (group != null) groupOfStage.put(Integer.valueOf(event.stageInfo().stageId()), group);
    }

    public synchronized void onTaskEnd(SparkListenerTaskEnd event) {
        Object group = groupOfStage.get(Integer.valueOf(event.stageId()));
        TaskMetrics metrics = event.taskMetrics();
        if (group == null || metrics == null || !event.taskInfo().successful()) return;
        long[] sums = (long[]) totals.get(group);
        if (sums == null) {
            sums = new long[8];
            totals.put(group, sums);
        }
        sums[0] += metrics.inputMetrics().recordsRead();
        sums[1] += metrics.inputMetrics().bytesRead();
        sums[2] += metrics.outputMetrics().recordsWritten();
        sums[3] += metrics.outputMetrics().bytesWritten();
        sums[4] += metrics.shuffleWriteMetrics().bytesWritten();
        sums[5] += metrics.diskBytesSpilled();
        sums[6] += 1;
        sums[7] += metrics.executorCpuTime() / 1000000L;
    }

    /** The sums of `group` so far, joined by spaces, and forgets them: records and bytes read, records and bytes written, shuffle bytes, spilled bytes, tasks, CPU milliseconds. */
    public synchronized String take(String group) {
        long[] sums = (long[]) totals.remove(group);
        if (sums == null) return "";
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < sums.length; i++) text.append(i == 0 ? "" : " ").append(sums[i]);
        return text.toString();
    }
}
