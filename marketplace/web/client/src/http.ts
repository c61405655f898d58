import type { Environment } from "./environment.js";

/** How long an answer may take, its body included, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** A refusal by the server: a problem document (RFC 9457) or, from something in between, anything else. */
export class HttpProblem extends Error {
  /**
   * @param code - stable, as the API's documentation lists them; `error` when the answer was no problem document
   * @param facts - further members, such as `minimumNextBid`
   */
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly facts: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
    this.name = "HttpProblem";
  }

  /** Milliseconds that the server asks to wait before the next try; 0 when it does not say. */
  retryAfter = 0;
}

/** No answer: no network, no server, or none in time. What was asked may or may not have been done. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** An answer as far as anybody here wants to know. */
export interface Answer {
  status: number;
  body: unknown;
  etag: string | null;
  /** Whether the server had given it before, to the same Idempotency-Key. */
  replayed: boolean;
}

/** What to send. */
export interface Request {
  method?: "GET" | "POST";
  /** An object goes as JSON, form fields as a form. */
  body?: object | URLSearchParams;
  headers?: Record<string, string>;
  timeout?: number;
}

/** The JSON API. */
export class Api {
  readonly #headers: () => Record<string, string>;

  /**
   * @param base - what is put before each path; empty for the page's own server
   * @param headers - sent with each request, such as `Authorization`
   */
  constructor(
    private readonly env: Pick<Environment, "fetch" | "setTimeout" | "clearTimeout">,
    readonly base = "",
    headers: () => Record<string, string> = () => ({}),
  ) {
    this.#headers = headers;
  }

  /**
   * Ask, and wait for the answer.
   *
   * @throws {@link HttpProblem} when it is a refusal: a status from 400
   * @throws {@link NoAnswer} when there is none, or none that is JSON
   */
  async send(path: string, { method = "GET", body, headers = {}, timeout = TIMEOUT_MS }: Request = {}): Promise<Answer> {
    const abort = new AbortController();
    const timer = this.env.setTimeout(() => abort.abort(), timeout);
    try {
      const response = await this.#fetch(path, { method, signal: abort.signal, ...content(body, headers, this.#headers()) });
      const text = response.status === 204 || response.status === 304 ? "" : await response.text();
      if (response.status >= 400) throw problem(response, text);
      return {
        status: response.status,
        body: text === "" ? null : JSON.parse(text),
        etag: response.headers.get("ETag"),
        replayed: response.headers.get("Idempotent-Replayed") === "true",
      };
    } catch (error) {
      if (error instanceof HttpProblem) throw error;
      throw new NoAnswer(`${method} ${path}: ${error instanceof Error ? error.message : error}`);
    } finally {
      this.env.clearTimeout(timer);
    }
  }

  #fetch(path: string, init: RequestInit): Promise<Response> {
    // Nothing that is asked for here is ever wanted from a cache that does not ask the server.
    return this.env.fetch(this.base + path, { credentials: "same-origin", cache: "no-store", ...init });
  }
}

function content(body: Request["body"], ...headers: Record<string, string>[]): RequestInit {
  const merged: Record<string, string> = Object.assign({}, ...headers);
  if (body === undefined || body instanceof URLSearchParams) return { headers: merged, ...(body && { body }) };
  return { headers: { ...merged, "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

function problem(response: Response, text: string): HttpProblem {
  const facts = parsed(text);
  const told = (name: string, otherwise: string) => (typeof facts[name] === "string" ? facts[name] : otherwise);
  const found = new HttpProblem(response.status, told("code", "error"), told("detail", `HTTP ${response.status}`), facts);
  found.retryAfter = Math.max(0, Number(response.headers.get("Retry-After")) || 0) * 1000;
  return found;
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
