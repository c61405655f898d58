from marketplace.channels_server.command import channels

channels()
