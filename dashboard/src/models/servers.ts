/** Model servers that people run, and how each is named in parola.toml. */
export interface ModelServer {
  value: string;
  label: string;
  what: string;
  /** Starts it. */
  start: string | null;
  settings: string;
}

export const SERVERS: ModelServer[] = [
  {
    value: "ollama",
    label: "Ollama",
    what: "Language models and embeddings on a laptop or a workstation.",
    start: "ollama pull qwen3:8b\nollama serve",
    settings: `[llm.default]
base_url = "http://127.0.0.1:11434/v1"
model = "qwen3:8b"

[embedding.default]
provider = "openai"
base_url = "http://127.0.0.1:11434/v1"
model = "bge-m3"`,
  },
  {
    value: "vllm",
    label: "vLLM",
    what: "Language models on a GPU, for many calls at a time.",
    start: "vllm serve Qwen/Qwen3-8B --enable-auto-tool-choice --tool-call-parser hermes",
    settings: `[llm.default]
base_url = "http://127.0.0.1:8000/v1"
model = "Qwen/Qwen3-8B"`,
  },
  {
    value: "llamacpp",
    label: "llama.cpp",
    what: "Language models in GGUF files, on a processor or a GPU.",
    start: "llama-server -m model.gguf --jinja --port 8080",
    settings: `[llm.default]
base_url = "http://127.0.0.1:8080/v1"
model = "local"`,
  },
  {
    value: "speaches",
    label: "Speaches",
    what: "Speech in many languages: Whisper listens, Kokoro and Piper speak.",
    start: "docker run --publish 8000:8000 ghcr.io/speaches-ai/speaches:latest-cpu",
    settings: `[stt.default]
provider = "openai"
base_url = "http://127.0.0.1:8000/v1"
model = "Systran/faster-whisper-small"

[tts.default]
provider = "openai"
base_url = "http://127.0.0.1:8000/v1"
model = "speaches-ai/Kokoro-82M-v1.0-ONNX"
voice = "af_heart"
voices = ["af_heart", "am_michael", "bf_emma"]`,
  },
  {
    value: "hosted",
    label: "Hosted service",
    what: "Any service with OpenAI's API. What callers say is sent there.",
    start: null,
    settings: `[llm.default]
base_url = "https://api.example.com/v1"
model = "the-model"
# api_key: better in the environment, as PAROLA_LLM_API_KEY`,
  },
];
