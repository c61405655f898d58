import type { Channels } from "./channels.js";
import { Emitter } from "./emitter.js";

/** Somebody who is signed in and watches. */
export interface Member {
  id: string;
  name: string;
}

interface PusherMember {
  id: string;
  info?: { name?: unknown } | null;
}

interface PusherMembers {
  myID: string | null;
  each(callback: (member: PusherMember) => void): void;
}

/** Who is there, of those who are signed in. */
export class Presence extends Emitter<{ change: readonly Member[] }> {
  readonly #members = new Map<string, Member>();
  #me: string | null = null;

  constructor(channels: Channels, channel: string) {
    super();
    const leave = channels.listen(channel, {
      event: (name, data) => this.#receive(name, data as PusherMember),
      subscribed: (members) => this.#replace(members as PusherMembers),
      lost: () => this.#forget(),
    });
    this.onDispose(leave);
  }

  /** Everybody but oneself. */
  get others(): readonly Member[] {
    return [...this.#members.values()].filter(({ id }) => id !== this.#me);
  }

  /** Whether it is known who is there: not before Channels has told, nor while it is away. */
  get known(): boolean {
    return this.#me !== null;
  }

  #receive(name: string, member: PusherMember): void {
    if (name === "pusher:member_added") this.#add(member);
    else if (name === "pusher:member_removed") this.#members.delete(member.id);
    else return;
    this.emit("change", this.others);
  }

  #replace(members: PusherMembers): void {
    this.#members.clear();
    this.#me = members.myID;
    members.each((member) => this.#add(member));
    this.emit("change", this.others);
  }

  #forget(): void {
    this.#members.clear();
    this.#me = null;
    this.emit("change", []);
  }

  #add({ id, info }: PusherMember): void {
    this.#members.set(id, { id, name: typeof info?.name === "string" ? info.name : "" });
  }
}
