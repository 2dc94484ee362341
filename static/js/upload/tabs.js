// Which uploads go on in other tabs of this browser: they are not told here as ones that wait for their file.

const ANSWERS_MS = 1000; // a tab that is sending is busy

export class Tabs {
  /** `mine()` gives the ids of the uploads that this tab is sending. */
  constructor(mine, channel = new BroadcastChannel("sluice-uploads")) {
    Object.assign(this, { mine, channel, heard: new Set() });
    channel.onmessage = ({ data }) => {
      if (data?.asks) channel.postMessage({ sending: this.mine() });
      for (const id of data?.sending ?? []) this.heard.add(id);
    };
  }

  /** The ids that other tabs are sending just now. */
  async elsewhere(ms = ANSWERS_MS) {
    this.heard.clear();
    this.channel.postMessage({ asks: true });
    await new Promise((resolve) => setTimeout(resolve, ms));
    return new Set(this.heard);
  }
}
