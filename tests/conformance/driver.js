// Drives the unmodified pusher-js for the tests, in Node and in a browser alike: one command in, one answer out.
// What clients receive is kept here until it is read.

(function (global) {
  function makeDriver(Pusher) {
    const clients = {};

    function record(client, kind, channel, event, data, metadata) {
      clients[client].log.push({ kind, channel, event, data, ...(metadata || {}) });
    }

    function connect({ client, key, port, backend, params }) {
      const headers = { "X-User": JSON.stringify(params || null) };
      const pusher = new Pusher(key, {
        cluster: "test",
        wsHost: "127.0.0.1",
        wsPort: port,
        forceTLS: false,
        enabledTransports: ["ws"],
        disableStats: true,
        channelAuthorization: { endpoint: `${backend}/auth`, transport: "ajax", headers },
        userAuthentication: { endpoint: `${backend}/user-auth`, transport: "ajax", headers },
      });
      clients[client] = { pusher, log: [] };
      pusher.connection.bind("state_change", ({ current }) => record(client, "state", null, current));
      pusher.connection.bind("error", (error) => record(client, "error", null, "error", error && error.data));
      pusher.user.bind_global((event, data) => record(client, "user", null, event, data));
      pusher.user.watchlist.bind_global((event, data) => record(client, "watchlist", null, event, data));
      return null;
    }

    function subscribe({ client, channel, bind }) {
      const subscribed = clients[client].pusher.subscribe(channel);
      // Only what is bound by name is told who sent it.
      for (const event of bind || []) {
        subscribed.bind(event, (data, metadata) => record(client, "bound", channel, event, data, metadata));
      }
      subscribed.bind_global((event, data) => {
        if (event === "pusher:subscription_succeeded" && subscribed.members) {
          data = { ids: Object.keys(subscribed.members.members), count: subscribed.members.count, me: subscribed.members.me };
        }
        record(client, "channel", channel, event, data);
      });
      return null;
    }

    const commands = {
      connect,
      subscribe,
      unsubscribe: ({ client, channel }) => clients[client].pusher.unsubscribe(channel),
      signIn: ({ client }) => clients[client].pusher.signin(),
      trigger: ({ client, channel, event, data }) => clients[client].pusher.channel(channel).trigger(event, data),
      socketId: ({ client }) => clients[client].pusher.connection.socket_id,
      state: ({ client }) => clients[client].pusher.connection.state,
      members: ({ client, channel }) => Object.keys(clients[client].pusher.channel(channel).members.members),
      disconnect: ({ client }) => clients[client].pusher.disconnect(),
      read: ({ client }) => clients[client].log.splice(0),
      close: () => Object.values(clients).forEach(({ pusher }) => pusher.disconnect()),
    };

    return (command) => {
      const result = commands[command.do](command);
      return result === undefined ? null : result;
    };
  }

  if (typeof module !== "undefined") module.exports = makeDriver;
  else global.makeDriver = makeDriver;
})(globalThis);
