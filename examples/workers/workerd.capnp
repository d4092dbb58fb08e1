using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    # By default a Worker reaches public addresses only: servers of the same machine are "local", those of the same network "private".
    (name = "internet", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "dist/worker.js")],
  compatibilityDate = "2026-11-01",
  # Else the handler never hears that a caller has gone: the place of each such call would stay taken for good.
  compatibilityFlags = ["enable_request_signal"],
  # Else nobody hears that a caller has gone, and its call runs to the end.
  bindings = [
    (name = "GPU_URL", fromEnvironment = "GPU_URL"),
    (name = "GPU_API_KEY", fromEnvironment = "GPU_API_KEY"),
    (name = "INFERLANE_TOKENS", fromEnvironment = "INFERLANE_TOKENS"),
    (name = "INFERLANE_HOSTS", fromEnvironment = "INFERLANE_HOSTS"),
  ],
);
