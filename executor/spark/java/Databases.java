package sluice;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.jdbc.JdbcDialects;

/**
 * How databases are reached. Spark is given an address of ours (jdbc:sluice:postgresql:7f…), which means nothing outside of this process:
 * host, user and password are here, so they are in no option, setting, plan or error of Spark.
 */
public final class Databases {
    static final String PREFIX = "jdbc:sluice:";
    private static final Map<String, Way> WAYS = new ConcurrentHashMap<String, Way>();
    private static boolean registered = false;

    private Databases() {}

    /** The address under which Spark and we open connections. `begin`: statements that each of them begins with, in one transaction. */
    public static String know(
            String database, String driver, String url, Map<String, String> properties, List<String> begin, boolean readOnly) {
        register();
        String address = PREFIX + database + ":" + UUID.randomUUID();
        Properties own = new Properties();
        own.putAll(properties);
        WAYS.put(address, new Way(driver, url, own, new ArrayList<String>(begin), readOnly));
        return address;
    }

    /** From now on nobody opens one more. */
    public static void forget(String address) {
        WAYS.remove(address);
    }

    public static Connection open(String address) throws SQLException {
        Way way = (Way) WAYS.get(address);
        if (way == null) {
            throw new SQLException("This connection was closed with the stage or run that used it.", "08003");
        }
        return way.open();
    }

    private static synchronized void register() {
        if (!registered) {
            JdbcDialects.registerDialect(new PostgresRows());
            JdbcDialects.registerDialect(new MariaRows());
            JdbcDialects.registerDialect(new SqlServerRows());
            JdbcDialects.registerDialect(new OtherRows());
            registered = true;
        }
    }

    private static final class Way {
        private final String driver;
        private final String url;
        private final Properties properties;
        private final List<String> begin;
        private final boolean readOnly;

        Way(String driver, String url, Properties properties, List<String> begin, boolean readOnly) {
            this.driver = driver;
            this.url = url;
            this.properties = properties;
            this.begin = begin;
            this.readOnly = readOnly;
        }

        Connection open() throws SQLException {
            Properties told = (Properties) properties.clone();
            TrustStore.puts(told);
            Connection made = driver().connect(url, told);
            if (made == null) {
                throw new SQLException("The driver does not know this address.", "08001");
            }
            try {
                prepare(made);
                return made;
            } catch (SQLException error) {
                made.close();
                throw error;
            }
        }

        private void prepare(Connection made) throws SQLException {
            if (readOnly) {
                if (!made.isReadOnly()) { // a file that was opened so cannot be told again
                    made.setReadOnly(true);
                }
                made.setAutoCommit(false);
            }
            Statement statement = made.createStatement();
            for (Object one : begin) {
                statement.execute((String) one);
            }
            statement.close();
        }

        private Driver driver() throws SQLException {
            try {
                ClassLoader loader = Thread.currentThread().getContextClassLoader();
                return (Driver) Class.forName(driver, true, loader).getDeclaredConstructor().newInstance();
            } catch (ReflectiveOperationException error) {
                throw new SQLException("The driver of this database is not here.", "08001", error);
            }
        }
    }
}
