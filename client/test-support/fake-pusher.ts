/** For tests: a Pusher whose connection the test controls. It behaves as pusher-js 8 does, traps included. */

type Callback = (data: unknown) => void;
type Authorizer = (
  request: { socketId: string; channelName: string },
  callback: (error: Error | null, data: unknown) => void,
) => void;

export class FakePusher {
  /** All instances, oldest first. */
  static made: FakePusher[] = [];

  readonly key: string;
  // biome-ignore lint/suspicious/noExplicitAny: the test looks at whatever option it is about
  readonly options: any;
  readonly channels = new Map<string, FakeChannel>();
  /** How often a connection was started. */
  attempts = 0;
  /** Whether an attempt to connect succeeds without help of the test. */
  static isReachable = true;
  /** Whether the bus refuses every attempt, with a code that pusher-js takes as final. */
  static isRefused = false;
  /** The transport of the next connection, where its options allow that one. */
  static transport = 'ws';
  /**
   * The transports that the network blocks. A connection that allows WebSocket and HTTP never connects where WebSocket is
   * blocked: pusher-js would wait for the WebSocket longer than any test.
   */
  static blocked: readonly string[] = [];
  readonly connection: {
    state: string;
    connection: { transport: { name: string } } | null;
    bind(event: string, callback: Callback): void;
  };
  readonly #callbacks = new Map<string, Callback[]>();

  constructor(key: string, options: object) {
    this.key = key;
    this.options = options;
    FakePusher.made.push(this);
    this.connection = {
      state: 'initialized',
      connection: null,
      bind: (event, callback) => {
        this.#callbacks.set(event, [...(this.#callbacks.get(event) ?? []), callback]);
      },
    };
  }

  static get last(): FakePusher {
    const last = FakePusher.made.at(-1);
    if (!last) throw new Error('no Pusher was made');
    return last;
  }

  connect(): void {
    if (this.connection.state === 'connecting' || this.connection.state === 'connected') return;
    this.attempts++;
    this.become('connecting');
    if (FakePusher.isRefused) queueMicrotask(() => this.become('disconnected'));
    else if (FakePusher.isReachable && this.#transport)
      queueMicrotask(() => this.connection.state === 'connecting' && this.become('connected'));
  }

  disconnect(): void {
    this.become('disconnected');
  }

  subscribe(name: string): FakeChannel {
    const channel = this.channels.get(name) ?? new FakeChannel();
    this.channels.set(name, channel);
    return channel;
  }

  /** The connection drops; the bus is away until `isReachable` is true. pusher-js reports that it will connect again in 1 s. */
  drop(): void {
    FakePusher.isReachable = false;
    this.emit('connecting_in', 1);
  }

  /** The bus closes with a code that pusher-js takes as final, and is away until `isReachable` is true. */
  refuse(): void {
    FakePusher.isReachable = false;
    this.become('disconnected');
  }

  become(state: string): void {
    const previous = this.connection.state;
    if (previous === state) return;
    this.connection.state = state;
    this.connection.connection = state === 'connected' ? { transport: { name: this.#transport ?? '' } } : null;
    this.emit('state_change', { previous, current: state });
    if (state !== 'connected') return;
    for (const [name, channel] of this.channels) this.#authorize(name, channel);
  }

  emit(event: string, data: unknown): void {
    for (const callback of this.#callbacks.get(event) ?? []) callback(data);
  }

  /** An event on the only channel. */
  push(event: string, data: unknown): void {
    for (const channel of this.channels.values()) channel.emit(event, data);
  }

  /** An event arrived that was encrypted with another key. Resolves with the authorization that holds the new key. */
  renewKey(channelName: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#authorizer({ socketId: '1.1', channelName }, (error, data) => (error ? reject(error) : resolve(data)));
    });
  }

  /** The transport of a connection that is made now; undefined where none gets through. */
  get #transport(): string | undefined {
    const allowed: readonly string[] = this.options.enabledTransports ?? [FakePusher.transport];
    const usable = allowed.filter((name) => !FakePusher.blocked.includes(name));
    if (usable.includes(FakePusher.transport)) return FakePusher.transport;
    const waitsForWebSocket = allowed.includes('ws') && allowed.length > 1;
    return waitsForWebSocket ? undefined : usable[0];
  }

  get #authorizer(): Authorizer {
    return this.options.channelAuthorization.customHandler;
  }

  #authorize(channelName: string, channel: FakeChannel): void {
    this.#authorizer({ socketId: '1.1', channelName }, (error) => {
      if (this.connection.state !== 'connected') return;
      if (error) channel.emit('pusher:subscription_error', { error: error.message });
      else channel.emit('pusher:subscription_succeeded', {});
    });
  }
}

/** The channel of a `FakePusher`. */
export class FakeChannel {
  #callbacks: ((event: string, data: unknown) => void)[] = [];

  bind_global(callback: (event: string, data: unknown) => void): void {
    this.#callbacks.push(callback);
  }

  emit(event: string, data: unknown): void {
    for (const callback of this.#callbacks) callback(event, data);
  }
}
