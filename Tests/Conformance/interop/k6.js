// The cases that k6 plays, run once by one user. Each prints a line of JSON: its dialect, its name, and why it failed.

import encoding from 'k6/encoding';
import grpc from 'k6/net/grpc';
import http from 'k6/http';

export const options = { vus: 1, iterations: 1 };

const TEST = 'grpc.testing.TestService';
const ECHO = 'carillon.testing.v1.EchoService';
const RESPONSE_SIZES = [31415, 9, 2653, 58979];
const REQUEST_SIZES = [27182, 8, 1828, 45904];
const SPECIAL_MESSAGE = '\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \ud83d\ude08\t\n';

const authority = open(__ENV.CA);
const client = new grpc.Client();
client.loadProtoset(__ENV.DESCRIPTORS);

function zeros(size) {
  return encoding.b64encode(new Uint8Array(size).buffer);
}

function sizeOf(message) {
  return encoding.b64decode(message.payload.body).byteLength;
}

// k6 reads JSON into maps of Go, which have no order of their own.
function canonical(value) {
  const isMap = (part) => part && typeof part === 'object' && !Array.isArray(part);
  const sorted = (part) => Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)));
  return JSON.stringify(value, (_, part) => (isMap(part) ? sorted(part) : part));
}

function expect(actual, wanted, what) {
  const [got, asked] = [JSON.stringify(actual), JSON.stringify(wanted)];
  if (got !== asked) throw new Error(`${what}: got ${got}, wanted ${asked}`);
}

function unary(method, request, params = {}) {
  return client.invoke(method, request, { timeout: '20s', ...params });
}

function succeeding(method, request, params) {
  const answer = unary(method, request, params);
  expect(answer.status, grpc.StatusOK, `status (${JSON.stringify(answer.error)})`);
  return answer;
}

function failing(status, words, method, request, params) {
  const answer = unary(method, request, params);
  expect(answer.status, status, 'status');
  if (words !== null) expect(answer.error.message, words, 'message');
  return answer;
}

// A stream to its end: `answers` is called with each message and the stream, and may write.
function streaming(method, begin, answers, params = {}) {
  return new Promise((resolve, reject) => {
    const stream = new grpc.Stream(client, method, { timeout: '20s', ...params });
    const messages = [];
    let error = null;
    stream.on('data', (message) => {
      messages.push(message);
      if (answers) answers(message, stream, messages.length);
    });
    stream.on('error', (e) => {
      error = e;
      resolve({ messages, error });
    });
    stream.on('end', () => resolve({ messages, error }));
    try {
      begin(stream);
    } catch (e) {
      reject(e);
    }
  });
}

const cases = {
  empty_unary() {
    expect(succeeding(`${TEST}/EmptyCall`, {}).message, {}, 'the message');
  },
  large_unary() {
    const request = { responseSize: 314159, payload: { body: zeros(271828) } };
    expect(sizeOf(succeeding(`${TEST}/UnaryCall`, request).message), 314159, 'the size');
  },
  async client_streaming() {
    const { messages, error } = await streaming(`${TEST}/StreamingInputCall`, (stream) => {
      for (const size of REQUEST_SIZES) stream.write({ payload: { body: zeros(size) } });
      stream.end();
    });
    expect(error, null, 'error');
    expect(messages, [{ aggregatedPayloadSize: 74922 }], 'messages');
  },
  async server_streaming() {
    const { messages, error } = await streaming(`${TEST}/StreamingOutputCall`, (stream) => {
      stream.write({ responseParameters: RESPONSE_SIZES.map((size) => ({ size })) });
      stream.end();
    });
    expect(error, null, 'error');
    expect(messages.map(sizeOf), RESPONSE_SIZES, 'sizes');
  },
  async ping_pong() {
    const ask = (turn) => ({
      responseParameters: [{ size: RESPONSE_SIZES[turn] }],
      payload: { body: zeros(REQUEST_SIZES[turn]) },
    });
    const { messages, error } = await streaming(
      `${TEST}/FullDuplexCall`,
      (stream) => stream.write(ask(0)),
      (_, stream, count) => (count < 4 ? stream.write(ask(count)) : stream.end()),
    );
    expect(error, null, 'error');
    expect(messages.map(sizeOf), RESPONSE_SIZES, 'sizes');
  },
  async empty_stream() {
    const { messages, error } = await streaming(`${TEST}/FullDuplexCall`, (stream) => stream.end());
    expect([messages, error], [[], null], 'messages and error');
  },
  custom_metadata() {
    const metadata = {
      'x-grpc-test-echo-initial': 'test_initial_metadata_value',
      'x-grpc-test-echo-trailing-bin': new Uint8Array([0xab, 0xab, 0xab]),
    };
    const answer = succeeding(`${TEST}/UnaryCall`, { responseSize: 1 }, { metadata });
    expect(answer.headers['x-grpc-test-echo-initial'], ['test_initial_metadata_value'], 'initial metadata');
    const trailing = answer.trailers['x-grpc-test-echo-trailing-bin'];
    expect(trailing && trailing.length, 1, 'values of trailing metadata');
  },
  status_code_and_message() {
    const responseStatus = { code: 2, message: 'test status message' };
    failing(2, 'test status message', `${TEST}/UnaryCall`, { responseStatus });
  },
  async status_code_and_message_bidi() {
    const { error } = await streaming(`${TEST}/FullDuplexCall`, (stream) => {
      stream.write({ responseStatus: { code: 2, message: 'test status message' } });
      stream.end();
    });
    expect([error.code, error.message], [2, 'test status message'], 'error');
  },
  special_status_message() {
    failing(2, SPECIAL_MESSAGE, `${TEST}/UnaryCall`, { responseStatus: { code: 2, message: SPECIAL_MESSAGE } });
  },
  every_status_code() {
    for (let code = 1; code <= 16; code += 1) {
      failing(code, `number ${code}`, `${ECHO}/Fail`, { code, message: `number ${code}` });
    }
  },
  unimplemented_method() {
    failing(grpc.StatusUnimplemented, null, `${TEST}/UnimplementedCall`, {});
  },
  unimplemented_service() {
    failing(grpc.StatusUnimplemented, null, 'grpc.testing.UnimplementedService/UnimplementedCall', {});
  },
  timeout() {
    failing(grpc.StatusDeadlineExceeded, null, `${ECHO}/Hang`, {}, { timeout: '200ms' });
  },
  message_over_the_limit() {
    const payload = zeros(4 * 1024 * 1024 + 1);
    failing(grpc.StatusResourceExhausted, null, `${ECHO}/Async`, { payload });
  },
  rpc_soak() {
    for (let turn = 0; turn < 200; turn += 1) succeeding(`${ECHO}/Inline`, { payload: zeros(16) });
  },
};

const reflected = {
  reflection_calls() {
    const asking = new grpc.Client();
    asking.connect(__ENV.ADDRESS, { reflect: true, tls: { cacerts: [authority] }, timeout: '20s' });
    const answer = asking.invoke(`${TEST}/UnaryCall`, { responseSize: 7 });
    expect([answer.status, sizeOf(answer.message)], [grpc.StatusOK, 7], 'status and size');
    asking.close();
  },
};

function connect(method, document, headers = {}) {
  return http.post(`https://${__ENV.ADDRESS}/${method}`, JSON.stringify(document), {
    headers: { 'content-type': 'application/json', 'connect-protocol-version': '1', ...headers },
  });
}

const fetched = {
  unary() {
    const answer = connect(`${ECHO}/Async`, { payload: 'aGFsbG8=' });
    expect([answer.proto, answer.status, answer.json()], ['HTTP/2.0', 200, { payload: 'aGFsbG8=' }], 'the answer');
  },
  error() {
    const answer = connect(`${ECHO}/Fail`, { code: 7, message: 'no' });
    // k6 gives the members of an object in any order.
    const members = Object.entries(answer.json()).sort();
    expect([answer.status, members], [403, [['code', 'permission_denied'], ['message', 'no']]], 'the answer');
  },
  get() {
    const message = encodeURIComponent('{"payload":"aGFsbG8="}');
    const answer = http.get(`https://${__ENV.ADDRESS}/${ECHO}/Get?connect=v1&encoding=json&message=${message}`);
    expect([answer.status, answer.json()], [200, { payload: 'aGFsbG8=' }], 'the answer');
  },
  page() {
    const answer = http.get(`https://${__ENV.ADDRESS}/livez`);
    expect([answer.proto, answer.status, answer.body], ['HTTP/2.0', 200, 'ok\n'], 'the answer');
  },
};

async function play(dialect, table) {
  for (const [name, run] of Object.entries(table)) {
    let reason;
    try {
      await run();
    } catch (error) {
      reason = `${error}`;
    }
    console.log(JSON.stringify({ dialect, case: name, reason }));
  }
}

export default async function () {
  client.connect(__ENV.ADDRESS, { tls: { cacerts: [authority] }, timeout: '20s' });
  await play('grpc', cases);
  client.close();
  await play('grpc', reflected);
  await play('connect-json', fetched);
  console.log(JSON.stringify({ end: true }));
}
