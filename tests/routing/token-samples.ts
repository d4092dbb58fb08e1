/**
 * Ten kinds of text, and how many tokens the tokenizers of four models make of each where it stands among its like (`o200k_base` for
 * GPT-4o), counted with the published tokenizers.
 */
export const samples: Readonly<Record<string, { readonly text: string; readonly counts: Readonly<Record<Tokenizer, number>> }>> = {
  English: {
    text: 'The night train left the harbour an hour late, because somebody had parked a cart of oranges on the track. Nobody complained: the station sold coffee, the moon was out, and the driver told stories about storms he had seen when he was young and careless. ',
    counts: { gpt4o: 52, llama3: 52, qwen3: 52, gemma3: 52 },
  },
  German: {
    text: 'Der Nachtzug verließ den Hafen eine Stunde zu spät, weil jemand einen Karren voller Orangen auf den Gleisen abgestellt hatte. Niemand beschwerte sich: Im Bahnhof gab es Kaffee, der Mond schien, und der Lokführer erzählte von Stürmen aus seiner Jugend. ',
    counts: { gpt4o: 58, llama3: 72, qwen3: 70, gemma3: 59 },
  },
  Chinese: {
    text: '夜班火车晚了一个小时才离开港口，因为有人把一车橙子停在了铁轨上。没有人抱怨：车站里有咖啡卖，月亮出来了，司机讲起他年轻时见过的暴风雨。孩子们在长椅上睡着了，老人们看着海面上的灯光，谁也不着急回家。',
    counts: { gpt4o: 90, llama3: 90, qwen3: 69, gemma3: 72 },
  },
  Japanese: {
    text: '誰かがオレンジを積んだ荷車を線路に置いたままにしたので、夜行列車は一時間遅れて港を出た。文句を言う人はいなかった。駅ではコーヒーを売っていたし、月も出ていて、運転士は若いころに見た嵐の話をしてくれた。',
    counts: { gpt4o: 88, llama3: 79, qwen3: 74, gemma3: 63 },
  },
  Russian: {
    text: 'Ночной поезд отошёл от гавани с опозданием на час, потому что кто-то оставил на путях тележку с апельсинами. Никто не жаловался: на вокзале продавали кофе, светила луна, а машинист рассказывал о бурях, которые видел в молодости. ',
    counts: { gpt4o: 72, llama3: 77, qwen3: 85, gemma3: 71 },
  },
  Arabic: {
    text: 'غادر قطار الليل الميناء متأخرا ساعة كاملة لأن أحدهم ترك عربة مليئة بالبرتقال على السكة. لم يشتك أحد، فقد كانت المحطة تبيع القهوة، وكان القمر ظاهرا، وراح السائق يحكي عن عواصف رآها أيام شبابه. ',
    counts: { gpt4o: 68, llama3: 74, qwen3: 77, gemma3: 71 },
  },
  Hindi: {
    text: 'रात की रेलगाड़ी बंदरगाह से एक घंटा देर से निकली, क्योंकि किसी ने संतरों से भरी गाड़ी पटरी पर छोड़ दी थी। किसी ने शिकायत नहीं की: स्टेशन पर कॉफ़ी मिल रही थी, चाँद निकला हुआ था, और चालक अपनी जवानी के तूफ़ानों की कहानियाँ सुना रहा था। ',
    counts: { gpt4o: 77, llama3: 122, qwen3: 219, gemma3: 65 },
  },
  code: {
    text: 'export function departures(trains: readonly Train[], nowMs: number): Train[] {\n  const late = trains.filter((train) => train.leavesAtMs + train.delayMs > nowMs);\n  // Carts of oranges take an hour to move.\n  return late.sort((left, right) => left.leavesAtMs - right.leavesAtMs).slice(0, 10);\n}\n',
    counts: { gpt4o: 82, llama3: 83, qwen3: 84, gemma3: 92 },
  },
  JSON: {
    text: '{"train":"night-7","harbour":{"name":"North Quay","platform":3},"delayMinutes":60,"reasons":["cart on the track","oranges"],"stops":[{"id":14,"at":"23:40","sells":["coffee","tea"]},{"id":15,"at":"00:25","sells":[]}],"moon":true}\n',
    counts: { gpt4o: 78, llama3: 75, qwen3: 82, gemma3: 81 },
  },
  base64: {
    text: 'rT9xQ2vLk0aZ8mYp3uXwEJ1cHsNfB7dGqOiVjKeS5tC4hRlUbA6yDMn+PzgWoF/ItXc1Lr8vQmZk3JyTe0NaSuHw2Gp9BfEdR7KjCqM5xVzhOi4YlUbP6sDnAtg/WoF+I8rXvQ1cLkZm3yTJe0aNuSHw2pG9fBdERKj7CqxM5VhzOiY4lbUPs6DAntgW+oF/I',
    counts: { gpt4o: 157, llama3: 165, qwen3: 166, gemma3: 151 },
  },
};

export type Tokenizer = 'gpt4o' | 'llama3' | 'qwen3' | 'gemma3';
export const tokenizers: readonly Tokenizer[] = ['gpt4o', 'llama3', 'qwen3', 'gemma3'];
