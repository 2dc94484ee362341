// One file on its way to the lake: begun, sent in pieces, gone on with after a break, finished. Knows nothing of the page.

const TRIES = 8;
const WAIT = { first: 1000, most: 30000 };
const ASK_MS = 2000;

/** What the server answered, when it is not 2xx. `status` 0: no answer at all. */
export class Refused extends Error {
  constructor(status, body) {
    super([body?.detail, body?.fix].filter(Boolean).join(" ") || wordsFor(status));
    this.status = status;
    this.body = body ?? {};
    this.code = body?.code ?? "";
  }
}

function wordsFor(status) {
  if (status === 0) return "Sluice does not answer.";
  if (status === 401 || status === 403) return "You are no longer signed in. Sign in in another tab, then go on.";
  if (status === 404) return "This upload is not known any more, or you may not bring files here.";
  return `Something went wrong on our side (${status}).`;
}

/** Worth trying again: no answer, a server that is being started again, a piece that was damaged on its way. */
export const isPassing = (error) =>
  error.status === 0 ||
  error.status === 502 ||
  error.status === 503 ||
  error.status === 504 ||
  ["piece-damaged", "broken-off", "piece-under-way", "place-under-way"].includes(error.code);

/** False for a file that is refused for what it is (too large, or no data): the same file is refused each time. */
export const mayGoBetter = (error) => ![413, 415].includes(error?.status);

export const waitBefore = (attempt) => Math.min(WAIT.most, WAIT.first * 2 ** attempt);

/** What makes a file the same one after the page was loaded again. */
export const fingerprintOf = (file) => `${file.name}|${file.size}|${file.lastModified ?? 0}`.slice(-200);

/** Seconds left and bytes a second, from the last few seconds of sending. */
export class Speed {
  constructor(now = () => Date.now()) {
    this.now = now;
    this.seen = [];
  }

  note(bytes) {
    this.seen.push([this.now(), bytes]);
    while (this.seen.length > 2 && this.seen.at(-1)[0] - this.seen[0][0] > 8000) this.seen.shift();
  }

  get perSecond() {
    const [first, last] = [this.seen[0], this.seen.at(-1)];
    const seconds = first && last ? (last[0] - first[0]) / 1000 : 0;
    return seconds > 0.3 ? Math.max(0, (last[1] - first[1]) / seconds) : null;
  }

  left(bytes) {
    return this.perSecond ? Math.ceil(bytes / this.perSecond) : null;
  }
}

export class Sender {
  /** help: { file, api, folder, over: the file it takes the place of, ifThere,
   * call(method, url, options), changed(sender), ask(question), wait(ms), digest(buffer) }.
   * `call` resolves to the read answer or throws Refused. `ask` resolves to new_version, replace, keep_both or null. */
  constructor(help) {
    Object.assign(this, { folder: "", over: "", ifThere: "ask", changed: () => {}, digest: null, ...help });
    this.state = "waiting";
    this.sent = 0;
    this.speed = new Speed();
    this.stop = new AbortController();
  }

  /** Resolves to the file's place in the lake, or null when it was cancelled or given up; `error` says why. */
  async run() {
    this.error = null;
    this.become("sending");
    try {
      const upload = await this.begin();
      if (!upload) return this.end("cancelled");
      this.upload = upload;
      this.sent = upload.offset;
      this.note(); // what had arrived before is shown at once
      await this.sendAll();
      this.become("finishing");
      const done = await this.finish();
      if (!done) return await this.cancel();
      this.uri = done.uri;
      this.end("done");
      return done.uri;
    } catch (error) {
      if (error.name === "AbortError") return this.end("cancelled");
      this.error = error;
      return this.end("failed");
    }
  }

  async begin() {
    const { file, folder, over } = this;
    const body = { name: file.name, size: file.size, folder, over, if_there: this.ifThere, fingerprint: fingerprintOf(file) };
    return this.answered(() => this.again(() => this.call("POST", `${this.api}uploads/`, { json: { ...body, if_there: this.ifThere } })));
  }

  async finish() {
    const url = `${this.api}uploads/${this.upload.id}/finish`;
    const watched = new AbortController();
    if (this.upload.uri?.includes(":")) this.watch(watched.signal);
    return this.answered(() => this.again(() => this.call("POST", url, { json: { if_there: this.ifThere } }))).finally(() =>
      watched.abort(),
    );
  }

  /** A root on another machine gets the file once it has arrived here: tells how far that is, until `over`. */
  async watch(over) {
    for (;;) {
      await this.wait(ASK_MS, over);
      if (over.aborted) return;
      const { state, sent } = await this.call("GET", `${this.api}uploads/${this.upload.id}`, {}).catch(() => ({}));
      if (over.aborted) return;
      if (state === "sending") this.goneOn = sent;
      this.changed(this);
    }
  }

  /** Asks when something lies there already, and does it again with the answer; null when the person wants neither. */
  async answered(work) {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (error.code !== "file-exists" || !error.body.choices) throw error;
        const answer = await this.ask(error.body);
        if (!answer) return null;
        this.ifThere = answer;
      }
    }
  }

  async sendAll() {
    const { file, upload } = this;
    let attempt = 0;
    while (this.sent < file.size) {
      try {
        this.sent = await this.sendPiece(file.slice(this.sent, this.sent + upload.piece_bytes));
        attempt = 0;
      } catch (error) {
        if (error.code === "other-offset" && Number.isInteger(error.body.offset)) this.sent = error.body.offset;
        else if (error.code === "piece-under-way" && attempt < TRIES) await this.pause(attempt++);
        else if (isPassing(error) && attempt < TRIES) await this.goOn(attempt++);
        else throw error;
      }
      this.note();
    }
  }

  async sendPiece(piece) {
    const bytes = await piece.arrayBuffer();
    const headers = { "Upload-Offset": String(this.sent), "Content-Type": "application/octet-stream" };
    const digest = this.digest ? await this.digest(bytes) : null;
    if (digest) headers["Content-Digest"] = `sha-256=:${digest}:`;
    const url = `${this.api}uploads/${this.upload.id}`;
    const before = this.sent;
    const progress = (done) => {
      this.shown = before + done;
      this.note(this.shown);
    };
    return (await this.call("PUT", url, { bytes, headers, signal: this.stop.signal, progress })).offset;
  }

  /** After a break: waits, then asks how far it is. */
  async goOn(attempt) {
    await this.pause(attempt);
    const { offset } = await this.again(() => this.call("GET", `${this.api}uploads/${this.upload.id}`, {}));
    this.sent = offset;
  }

  async again(work) {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!isPassing(error) || attempt >= TRIES) throw error;
        await this.pause(attempt);
      }
    }
  }

  async pause(attempt) {
    this.become("waiting");
    await this.wait(waitBefore(attempt), this.stop.signal);
    this.become("sending");
  }

  /** Stops sending and forgets what has arrived. */
  async cancel() {
    this.stop.abort();
    if (this.upload && this.state !== "done") await this.call("DELETE", `${this.api}uploads/${this.upload.id}`, {}).catch(() => null);
    return this.end("cancelled");
  }

  note(bytes = this.sent) {
    this.shown = bytes;
    this.speed.note(bytes);
    this.changed(this);
  }

  become(state) {
    if (this.stop.signal.aborted) throw Object.assign(new Error("cancelled"), { name: "AbortError" });
    this.state = state;
    this.changed(this);
  }

  end(state) {
    this.state = state;
    this.changed(this);
    return null;
  }
}
