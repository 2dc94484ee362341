package sluice;

import java.sql.Connection;
import java.sql.SQLException;
import org.apache.spark.sql.execution.datasources.jdbc.JDBCOptions;
import scala.runtime.AbstractFunction1;

/** How Spark opens a connection for a part of the rows. */
public final class Opening extends AbstractFunction1<Object, Connection> implements java.io.Serializable {
    private final String address;

    Opening(JDBCOptions options) {
        this.address = options.url();
    }

    @Override
    public Connection apply(Object part) {
        try {
            return Databases.open(address);
        } catch (SQLException error) {
            throw new IllegalStateException(error);
        }
    }

    static boolean isOf(String url, String database) {
        return url.startsWith(Databases.PREFIX + database + ":");
    }
}
