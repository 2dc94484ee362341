package sluice;

import java.sql.Connection;
import java.sql.Date;
import java.sql.Timestamp;
import java.time.LocalDateTime;
import org.apache.spark.sql.connector.expressions.Expression;
import org.apache.spark.sql.execution.datasources.jdbc.JDBCOptions;
import org.apache.spark.sql.jdbc.PostgresDialect;
import scala.Function1;
import scala.Option;

/** PostgreSQL as Spark knows it, but “infinity” is not read as some day in the year 9999 or 1. */
public final class PostgresRows extends PostgresDialect {
    private static final long AFTER_ALL = 9223372036825200000L;
    private static final long YEAR_1 = -62135769600000L;
    private static final long BEFORE_ALL = -9223372036832400000L;

    @Override
    public boolean canHandle(String url) {
        return Opening.isOf(url, "postgresql");
    }

    @Override
    public Function1<Object, Connection> createConnectionFactory(JDBCOptions options) {
        return new Opening(options);
    }

    @Override
    public Option<String> compileExpression(Expression condition) {
        return Conditions.meansTheSame(condition, true) ? super.compileExpression(condition) : Option.apply(null);
    }

    @Override
    public Timestamp convertJavaTimestampToTimestamp(Timestamp moment) {
        refuseInfinity(moment.getTime());
        return moment;
    }

    @Override
    public LocalDateTime convertJavaTimestampToTimestampNTZ(Timestamp moment) {
        refuseInfinity(moment.getTime());
        if (moment.getTime() < YEAR_1) {
            throw new IllegalArgumentException("sluice: infinity"); // Spark would read 44 BC as the year 44
        }
        return super.convertJavaTimestampToTimestampNTZ(moment);
    }

    @Override
    public Date convertJavaDateToDate(Date day) {
        refuseInfinity(day.getTime());
        return day;
    }

    private static void refuseInfinity(long milliseconds) {
        if (milliseconds == AFTER_ALL || milliseconds == BEFORE_ALL) {
            throw new IllegalArgumentException("sluice: infinity");
        }
    }

    @Override
    public boolean canEqual(Object other) { // Spark takes out of its list what is equal to a new one
        return other instanceof PostgresRows;
    }
}
