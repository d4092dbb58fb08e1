"""A notebook's GPU as a provider of type `remote-gpu`: one model behind `GET /health` and `POST /generate`.

    GET  /health                            -> {"status": "healthy" | "loading" | "unhealthy", "model": "..."}
    POST /generate {prompt, max_tokens?, temperature?, top_p?, seed?, stop?}  -> {"content": "..."}

Generation has a thread of its own with a short queue in front, so that health answers while a model writes. The prompt is not
repeated in the content. What goes wrong is answered as {"detail": "..."} in words that the router can tell apart.

Only the functions that need them import FastAPI, uvicorn, pyngrok, torch and transformers.
"""

import asyncio
import hmac
import json
import math
import os
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

# How often a waiting request looks whether its client is still there.
DISCONNECT_POLL_S = 0.5


@dataclass(frozen=True)
class Settings:
    """Read from variables named `REMOTE_GPU_` and the field in capitals."""

    model: str = "gpt2"
    # Asked for as `Authorization: Bearer ...` where it is set.
    token: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    # Requests that wait while one is at work.
    queue_size: int = 4
    # From arrival to answer. Cloudflare gives up on a silent answer after 100 seconds.
    timeout_s: int = 90
    default_tokens: int = 256
    # A request for more gets this many.
    max_tokens: int = 1024
    max_prompt_chars: int = 32_000

    @staticmethod
    def from_env(env: Mapping[str, str]) -> "Settings":
        def text(name: str, otherwise: str) -> str:
            return env.get(f"REMOTE_GPU_{name}", "").strip() or otherwise

        def count(name: str, otherwise: int) -> int:
            said = text(name, str(otherwise))
            if not said.isascii() or not said.isdigit() or int(said) == 0:
                raise ValueError(f"REMOTE_GPU_{name} must be a whole number above 0.")
            return int(said)

        default = Settings()
        return Settings(
            model=text("MODEL", default.model),
            token=text("TOKEN", default.token),
            host=text("HOST", default.host),
            port=count("PORT", default.port),
            queue_size=count("QUEUE_SIZE", default.queue_size),
            timeout_s=count("TIMEOUT_S", default.timeout_s),
            default_tokens=count("DEFAULT_TOKENS", default.default_tokens),
            max_tokens=count("MAX_TOKENS", default.max_tokens),
            max_prompt_chars=count("MAX_PROMPT_CHARS", default.max_prompt_chars),
        )


class Refusal(Exception):
    """An answer that is no text. `detail` never holds anything of the request."""

    def __init__(self, status: int, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Reply:
    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class GenerateRequest:
    prompt: str
    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


def loading() -> Refusal:
    return Refusal(503, "The model is loading.", retry_after_s=10)


def queue_full() -> Refusal:
    return Refusal(503, "The queue is full.", retry_after_s=5)


def timed_out(timeout_s: int) -> Refusal:
    return Refusal(504, f"Generation timeout reached: {timeout_s} s.")


def broken() -> Refusal:
    # A GPU that has failed once fails at every request until its process ends.
    return Refusal(503, "CUDA error in an earlier request. Restart the notebook.")


def load_failed() -> Refusal:
    return Refusal(500, "The model could not be loaded. The notebook's output says why.")


def model_too_large() -> Refusal:
    return Refusal(500, "Out of memory: the model does not fit on this GPU.")


def too_long(prompt_tokens: int, window: int) -> Refusal:
    return Refusal(400, f"The prompt is longer than the context length: {prompt_tokens} of {window} tokens.")


def is_out_of_memory(error: BaseException) -> bool:
    text = str(error).lower()
    by_type = isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__
    return by_type or "out of memory" in text or "cublas_status_alloc_failed" in text


def is_driver_fault(error: BaseException) -> bool:
    text = str(error).lower()
    return not is_out_of_memory(error) and any(word in text for word in ("cuda error", "cublas", "cudnn", "device-side assert"))


def refusal_of(error: BaseException) -> Refusal:
    """What a failed generation is answered with. Its own text stays here, because it may quote the prompt."""
    if isinstance(error, Refusal):
        return error
    if is_out_of_memory(error):
        return Refusal(500, "Out of memory: the request does not fit beside the model on this GPU.")
    if is_driver_fault(error):
        return Refusal(500, "CUDA error. Restart the notebook.")
    return Refusal(500, f"The generation failed with {type(error).__name__}.")


def parse_request(body: bytes, settings: Settings) -> GenerateRequest:
    """Takes what it knows and leaves the rest, as the router may send fields of the caller's own."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(422, "The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise Refusal(422, "The body is not a JSON object.")
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or prompt == "":
        raise Refusal(422, '"prompt" must be a text.')
    if len(prompt) > settings.max_prompt_chars:
        raise Refusal(413, f"The prompt is too long: it has more than {settings.max_prompt_chars} characters.")
    asked = number(fields, "max_tokens", 1, math.inf, whole=True)
    seed = number(fields, "seed", 0, 2**32 - 1, whole=True)
    return GenerateRequest(
        prompt=prompt,
        max_tokens=min(settings.default_tokens if asked is None else int(asked), settings.max_tokens),
        temperature=number(fields, "temperature", 0, 2),
        top_p=number(fields, "top_p", 0, 1),
        seed=None if seed is None else int(seed),
        stop=stops_in(fields.get("stop")),
    )


def number(fields: Mapping[str, Any], name: str, low: float, high: float, whole: bool = False) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    # bool is a kind of int in Python, and json.loads accepts NaN.
    fits = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool) and low <= value <= high
    if not fits:
        raise Refusal(422, f'"{name}" must be a {"whole " if whole else ""}number from {low} to {high}.')
    return value


def stops_in(value: Any) -> tuple[str, ...]:
    stops = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or len(stops) > 16 or not all(isinstance(stop, str) for stop in stops):
        raise Refusal(422, '"stop" must be a text or a list of at most 16.')
    return tuple(stop for stop in stops if stop != "")


def may_ask(authorization: str | None, token: str) -> bool:
    """Takes as long for a wrong token as for the right one."""
    return token == "" or hmac.compare_digest((authorization or "").encode(), f"Bearer {token}".encode())


def sampling(request: GenerateRequest) -> dict[str, Any]:
    """The arguments of transformers' `generate`. Without any wish the model's own defaults hold."""
    if request.temperature == 0 or request.top_p == 0:
        return {"do_sample": False}
    wishes = {"temperature": request.temperature, "top_p": request.top_p}
    said = {name: value for name, value in wishes.items() if value is not None}
    return {"do_sample": True, **said} if said else {}


def room_for(prompt_tokens: int, max_tokens: int, window: int | None) -> int:
    """How many tokens may be written behind a prompt. `window`: tokens of prompt and answer together."""
    if window is None:
        return max_tokens
    if prompt_tokens >= window:
        raise too_long(prompt_tokens, window)
    return min(max_tokens, window - prompt_tokens)


def written(output: Sequence[int], prompt_tokens: int) -> Sequence[int]:
    """A causal model's output begins with the prompt."""
    return output[prompt_tokens:]


def cut_at_stop(text: str, stops: Sequence[str]) -> str:
    found = [at for at in (text.find(stop) for stop in stops) if at != -1]
    return text[: min(found)] if found else text


@dataclass(frozen=True)
class Model:
    # Gets the request and a function that says whether to stop; gives the text without the prompt.
    generate: Callable[[GenerateRequest, Callable[[], bool]], str]
    # Gives memory back after a request that failed.
    free: Callable[[], None] = lambda: None


class Job:
    def __init__(self, request: GenerateRequest, deadline: float, clock: Callable[[], float]) -> None:
        self.request = request
        self.future: Future[str] = Future()
        self._deadline = deadline
        self._clock = clock
        self._left = threading.Event()

    def leave(self) -> None:
        """The client is gone: a job that waits is dropped, one at work stops at its next token."""
        self._left.set()
        self.future.cancel()

    def is_late(self) -> bool:
        return self._clock() >= self._deadline

    def should_stop(self) -> bool:
        return self._left.is_set() or self.is_late()


class Worker:
    """The one thread that loads the model and generates, and the queue in front of it."""

    def __init__(self, load: Callable[[], Model], settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._settings = settings
        self._clock = clock
        self._jobs: queue.Queue[Job | None] = queue.Queue(settings.queue_size)
        # Why nothing can be asked of it now.
        self._fault: Callable[[], Refusal] | None = loading
        self._thread = threading.Thread(target=self._run, name="generation", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._jobs.put(None)
        self._thread.join()

    @property
    def status(self) -> str:
        if self._fault is None:
            return "healthy"
        return "loading" if self._fault is loading else "unhealthy"

    def submit(self, request: GenerateRequest) -> Job:
        if self._fault is not None:
            raise self._fault()
        job = Job(request, self._clock() + self._settings.timeout_s, self._clock)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise queue_full() from None
        return job

    def _run(self) -> None:
        try:
            model = self._load()
        except BaseException as error:
            self._fault = model_too_large if is_out_of_memory(error) else load_failed
            raise
        self._fault = None
        while (job := self._jobs.get()) is not None:
            self._answer(job, model)

    def _answer(self, job: Job, model: Model) -> None:
        if not job.future.set_running_or_notify_cancel():
            return
        refusal = None
        try:
            text = "" if job.should_stop() else model.generate(job.request, job.should_stop)
        except Exception as error:
            refusal = refusal_of(error)
            # What comes next would fail as well.
            if is_driver_fault(error):
                self._fault = broken
        # Here the error is gone, and with it the tensors that its traceback held.
        if refusal is not None:
            model.free()
            job.future.set_exception(refusal)
        elif job.is_late():
            job.future.set_exception(timed_out(self._settings.timeout_s))
        else:
            job.future.set_result(text)


class Service:
    """What the two routes answer, without a web framework."""

    def __init__(self, settings: Settings, worker: Worker) -> None:
        self._settings = settings
        self._worker = worker

    @property
    def max_body_bytes(self) -> int:
        # A character takes up to 12 bytes in JSON (two escapes), and beside the prompt is little.
        return self._settings.max_prompt_chars * 12 + 16_384

    def health(self, authorization: str | None) -> Reply:
        if not may_ask(authorization, self._settings.token):
            return self._refuse(Refusal(401, "The token is missing or wrong."))
        return Reply(200, {"status": self._worker.status, "model": self._settings.model})

    async def generate(
        self, authorization: str | None, read_body: Callable[[], Awaitable[bytes]], is_gone: Callable[[], Awaitable[bool]]
    ) -> Reply:
        try:
            if not may_ask(authorization, self._settings.token):
                raise Refusal(401, "The token is missing or wrong.")
            job = self._worker.submit(parse_request(await read_body(), self._settings))
            return Reply(200, {"content": await self._wait(job, is_gone)})
        except Refusal as refusal:
            return self._refuse(refusal)

    async def _wait(self, job: Job, is_gone: Callable[[], Awaitable[bool]]) -> str:
        answer = asyncio.wrap_future(job.future)
        try:
            while True:
                done, _ = await asyncio.wait([answer], timeout=DISCONNECT_POLL_S)
                if done:
                    return answer.result()
                if await is_gone():
                    raise Refusal(499, "The client has left.")
        finally:
            if not answer.done():
                job.leave()
                answer.cancel()

    @staticmethod
    def _refuse(refusal: Refusal) -> Reply:
        wait = refusal.retry_after_s
        return Reply(refusal.status, {"detail": refusal.detail}, {} if wait is None else {"Retry-After": str(wait)})


async def read_at_most(chunks: Any, limit: int) -> bytes:
    body = b""
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise Refusal(413, f"The prompt is too long: the body has more than {limit} bytes.")
    return body


def create_app(service: Service) -> Any:
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

    # No pages of documentation for whoever finds the address.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    def answer(reply: Reply) -> JSONResponse:
        return JSONResponse(reply.body, status_code=reply.status, headers=reply.headers)

    @app.get("/health")
    async def health(request: Request) -> JSONResponse:
        return answer(service.health(request.headers.get("authorization")))

    @app.post("/generate")
    async def generate(request: Request) -> JSONResponse:
        async def read_body() -> bytes:
            return await read_at_most(request.stream(), service.max_body_bytes)

        return answer(await service.generate(request.headers.get("authorization"), read_body, request.is_disconnected))

    return app


def load_transformers(settings: Settings) -> Model:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, StoppingCriteriaList

    on_gpu = torch.cuda.is_available()
    # Cards before Ampere, as the T4 of the free notebooks, have no bfloat16; processors have no use for either.
    dtype = torch.float32 if not on_gpu else torch.bfloat16 if torch.cuda.get_device_capability()[0] >= 8 else torch.float16
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    model = AutoModelForCausalLM.from_pretrained(settings.model, dtype=dtype).to("cuda" if on_gpu else "cpu").eval()
    window = getattr(model.config, "max_position_embeddings", None)

    class AskedToStop(StoppingCriteria):
        def __init__(self, should_stop: Callable[[], bool]) -> None:
            self._should_stop = should_stop

        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
            return torch.full((input_ids.shape[0],), self._should_stop(), device=input_ids.device, dtype=torch.bool)

    def generate(request: GenerateRequest, should_stop: Callable[[], bool]) -> str:
        text = request.prompt
        templated = tokenizer.chat_template is not None
        if templated:
            message = [{"role": "user", "content": text}]
            text = tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
        # A template writes the special tokens itself.
        inputs = tokenizer(text, return_tensors="pt", add_special_tokens=not templated, return_token_type_ids=False).to(model.device)
        prompt_tokens = inputs["input_ids"].shape[1]
        room = room_for(prompt_tokens, request.max_tokens, window)
        if request.seed is not None:
            torch.manual_seed(request.seed)
        stops = {"stop_strings": list(request.stop), "tokenizer": tokenizer} if request.stop else {}
        with torch.inference_mode():
            output = model.generate(
                **inputs,
                **sampling(request),
                **stops,
                max_new_tokens=room,
                pad_token_id=tokenizer.eos_token_id,
                stopping_criteria=StoppingCriteriaList([AskedToStop(should_stop)]),
            )
        said = tokenizer.decode(written(output[0], prompt_tokens), skip_special_tokens=True)
        return cut_at_stop(said, request.stop)

    return Model(generate, free=torch.cuda.empty_cache if on_gpu else lambda: None)


def open_tunnel(port: int, auth_token: str) -> str:
    from pyngrok import ngrok

    ngrok.set_auth_token(auth_token)
    return ngrok.connect(str(port), "http").public_url


def start(env: Mapping[str, str] = os.environ) -> threading.Thread:
    """Starts everything beside the notebook's own event loop, and prints the address for the router."""
    import uvicorn

    settings = Settings.from_env(env)
    worker = Worker(lambda: load_transformers(settings), settings)
    worker.start()
    app = create_app(Service(settings, worker))
    server = uvicorn.Server(uvicorn.Config(app, host=settings.host, port=settings.port, log_level="warning"))
    thread = threading.Thread(target=server.run, name="http", daemon=True)
    thread.start()
    auth_token = env.get("NGROK_AUTHTOKEN", "")
    url = open_tunnel(settings.port, auth_token) if auth_token else f"http://{settings.host}:{settings.port}"
    print(f"GPU_REMOTE_URL={url}")
    if auth_token and not settings.token:
        print("Whoever finds this address can use your GPU. Set REMOTE_GPU_TOKEN.")
    return thread


if __name__ == "__main__":
    start().join()
