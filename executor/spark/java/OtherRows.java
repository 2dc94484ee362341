package sluice;

import java.sql.Connection;
import org.apache.spark.sql.connector.expressions.Expression;
import org.apache.spark.sql.execution.datasources.jdbc.JDBCOptions;
import org.apache.spark.sql.jdbc.JdbcDialect;
import scala.Function1;
import scala.Option;

/** A database that Spark has no words of its own for. */
public final class OtherRows extends JdbcDialect {
    @Override
    public boolean canHandle(String url) {
        return Opening.isOf(url, "sqlite");
    }

    @Override
    public Function1<Object, Connection> createConnectionFactory(JDBCOptions options) {
        return new Opening(options);
    }

    @Override
    public Option<String> compileExpression(Expression condition) {
        return Conditions.meansTheSame(condition, false) ? super.compileExpression(condition) : Option.apply(null);
    }
}
