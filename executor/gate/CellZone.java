package sluice;

import java.io.Serializable;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.zone.ZoneRules;
import java.util.List;
import org.apache.spark.sql.catalyst.util.DateTimeUtils;

/** A zone whose clocks are changed, and which of two moments is meant that its clocks showed alike. Written for Janino. */
public final class CellZone implements Serializable {
    private static final long SECOND = 1000000;
    private final ZoneRules rules;
    private final String repeated;

    /** `repeated`: first, second, error. */
    CellZone(String zone, String repeated) {
        this.rules = DateTimeUtils.getZoneId(zone).getRules();
        this.repeated = repeated;
    }

    /** The moment at which the zone's clocks showed `shown`, given as if in UTC; null where they never did, since they were put forward. */
    public static Long momentOf(long shown, CellZone zone) {
        List offsets = zone.rules.getValidOffsets(local(shown));
        int found = offsets.size();
        if (found == 0 || (found > 1 && zone.repeated.equals("error"))) return null;
        ZoneOffset offset = (ZoneOffset) offsets.get(found > 1 && zone.repeated.equals("second") ? 1 : 0);
        return Long.valueOf(shown - offset.getTotalSeconds() * SECOND);
    }

    /** Whether this moment is the first of two that the zone's clocks showed alike. */
    public static boolean isShownAgain(long moment, CellZone zone) {
        ZoneOffset offset = zone.rules.getOffset(Instant.ofEpochSecond(Math.floorDiv(moment, SECOND)));
        List offsets = zone.rules.getValidOffsets(local(moment + offset.getTotalSeconds() * SECOND));
        return offsets.size() > 1 && offsets.get(0).equals(offset);
    }

    private static LocalDateTime local(long micros) {
        return LocalDateTime.ofEpochSecond(Math.floorDiv(micros, SECOND), (int) Math.floorMod(micros, SECOND) * 1000, ZoneOffset.UTC);
    }
}
