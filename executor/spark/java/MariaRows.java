package sluice;

import java.sql.Connection;
import org.apache.spark.sql.connector.expressions.Expression;
import org.apache.spark.sql.execution.datasources.jdbc.JDBCOptions;
import org.apache.spark.sql.jdbc.MySQLDialect;
import scala.Function1;
import scala.Option;

/** MariaDB and MySQL as Spark knows them. */
public final class MariaRows extends MySQLDialect {
    @Override
    public boolean canHandle(String url) {
        return Opening.isOf(url, "mariadb");
    }

    @Override
    public Function1<Object, Connection> createConnectionFactory(JDBCOptions options) {
        return new Opening(options);
    }

    @Override
    public Option<String> compileExpression(Expression condition) {
        return Conditions.meansTheSame(condition, false) ? super.compileExpression(condition) : Option.apply(null);
    }

    @Override
    public boolean canEqual(Object other) { // Spark takes out of its list what is equal to a new one
        return other instanceof MariaRows;
    }
}
