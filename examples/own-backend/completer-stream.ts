import { type Body, type Call, type ChatRequest, type ChunkBatches, type HttpClient, readLines } from 'inferlane';
import { toChunk } from './completer-line.ts';

/** Chunks travel in arrays, one or more at a time. The stream ends well only where the server said that it was done. */
export async function* readChunks(http: HttpClient, call: Call<ChatRequest>, body: Body): ChunkBatches {
  try {
    for await (const lines of readLines(body)) {
      for (const line of lines) {
        const chunk = toChunk(line, http, call);
        yield [chunk];
        if (chunk.choices[0]?.finish_reason) return;
      }
    }
  } catch (error) {
    throw call.signal.aborted ? call.signal.reason : error;
  }
  throw http.badResponse('the stream ended before its last line.');
}
