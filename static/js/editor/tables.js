// The tables behind connections, asked for while somebody names one. The person's warm session asks, where previews read.

const AGAIN_AFTER = 30_000; // milliseconds: a database that does not answer is not asked at every letter, and new tables come to be known

export class Tables {
  /** `url`: of the door. `ask(url, body, signal, take)` gives events to `take`. `parameters()`: as the document declares them. */
  constructor(url, ask, parameters, now = Date.now) {
    Object.assign(this, { url, ask, parameters, now, known: new Map(), asked: new Map() });
  }

  /** What lies behind the connection, as far as it has come; `again` is called when more has. */
  suggestions(connection, again) {
    const isDue = this.now() - (this.asked.get(connection) ?? -Infinity) > AGAIN_AFTER;
    if (connection && isDue) this.find(connection, again);
    return (this.known.get(connection) ?? []).map((name) => ({ name }));
  }

  async find(connection, again) {
    this.asked.set(connection, this.now());
    const stages = [{ type: "JDBCExtract", name: "tables", connection, outputView: "tables" }];
    try {
      await this.ask(this.url, { document: { parameters: this.parameters(), stages } }, undefined, (event) => {
        if (event.event === "tables") this.known.set(connection, event.tables);
      });
    } catch {
      return; // the field is typed into all the same
    }
    again();
  }
}
