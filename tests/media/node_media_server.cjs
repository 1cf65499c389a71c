// node node_media_server.cjs PACKAGE CONFIG: a Node-Media-Server of either major.
//
// The second listens on all addresses and goes on without a port that is taken.
const fs = require("fs");
const net = require("net");

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  const done = rest.find((argument) => typeof argument === "function");
  this.once("error", () => process.exit(1));
  return listen.call(this, { port: Number(port), host: "127.0.0.1" }, done);
};

const [, , folder, config] = process.argv;
const NodeMediaServer = require(folder);
new NodeMediaServer(JSON.parse(fs.readFileSync(config, "utf8")), config).run();
