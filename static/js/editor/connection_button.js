// The button beside a problem that a connection mends; for those who may make one. Its dialog is fetched when somebody asks for it.
import { el, icon } from "../dom.js";

export function connectionButton(problem, help) {
  if (!problem.connection || !help.config.may_connect) return null;
  const open = async () => {
    const { ConnectionDialog } = await import("./connection_dialog.js");
    new ConnectionDialog(problem.connection, help).open();
  };
  return el("button", { type: "button", class: "btn sm", onclick: open }, icon("plug-connected"), "Make a connection from it");
}
