# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Find the topics of a text by Gibbs sampling (latent Dirichlet allocation), without the GIL.

    python setup.py build_ext --inplace && python -c "import topics; topics.main()"

The probability of topic k for a token of word w in document d should be proportional to
(n_dk + alpha) (n_wk + beta) / (n_k + V beta), where n_dk, n_wk and n_k count the tokens of topic k in
the document, of the word and in all, and V is the number of words. These counts change with every
draw, so no table can hold the probabilities. But a table of each word's factor, built once per sweep,
proposes a topic in constant time, a token of the document proposes another, and the rule of Metropolis
and Hastings corrects for the difference (Li and others, "Reducing the sampling complexity of topic
models", 2014; Yuan and others, "LightLDA", 2015).
"""

from libc.stdint cimport uint64_t

cimport softdraw
from softdraw cimport softdraw_alias_map1, softdraw_xoshiro, softdraw_xoshiro_word

import numpy as np

import softdraw

cdef enum:
    TOPICS = 6
    BITS = 3  # of a table of 6: 8 buckets

cdef double ALPHA = 0.1, BETA = 0.05




cdef inline double uniform(softdraw_xoshiro *generator) noexcept nogil:
    return (softdraw_xoshiro_word(generator) >> 11) * (1.0 / 9007199254740992.0)


cdef inline double target(int *document, int *word, int *topic, int k, double smooth) noexcept nogil:
    return (document[k] + ALPHA) * (word[k] + BETA) / (topic[k] + smooth)


def sweep(
    const int[::1] document, const int[::1] word, const int[::1] first, int[::1] topic,
    int[:, ::1] of_document, int[:, ::1] of_word, int[::1] of_topic, uint64_t[::1] seed,
):
    """Draw a topic for every token once; first[d] is where document d begins."""
    cdef int words = of_word.shape[0], i, k, d, w, proposed, old, length
    cdef double smooth = words * BETA, ratio
    cdef double[:, ::1] weight = np.empty((words, TOPICS))
    cdef uint64_t[:, ::1] buckets = np.empty((words, 1 << BITS), np.uint64)
    cdef uint64_t[::1] scratch = np.empty(softdraw.alias_scratch(TOPICS) // 8, np.uint64)
    cdef softdraw_xoshiro generator
    cdef int *in_document
    cdef int *in_word
    cdef double *by_word
    with nogil:
        softdraw.xoshiro_seed(&generator, &seed[0])
        for w in range(words):
            for k in range(TOPICS):
                weight[w, k] = (of_word[w, k] + BETA) / (of_topic[k] + smooth)
            softdraw.alias_build_f64(&weight[w, 0], TOPICS, &buckets[w, 0], &scratch[0], NULL)
        for i in range(document.shape[0]):
            d, w, k = document[i], word[i], topic[i]
            in_document, in_word, by_word = &of_document[d, 0], &of_word[w, 0], &weight[w, 0]
            length = first[d + 1] - first[d]
            old = k
            in_document[old] -= 1
            in_word[old] -= 1
            of_topic[old] -= 1

            # by the word, whose table proposes in proportion to by_word
            proposed = softdraw_alias_map1(&buckets[w, 0], BITS, softdraw_xoshiro_word(&generator))
            ratio = target(in_document, in_word, &of_topic[0], proposed, smooth) * by_word[k]
            ratio /= target(in_document, in_word, &of_topic[0], k, smooth) * by_word[proposed]
            if uniform(&generator) < ratio:
                k = proposed

            # by the document, in proportion to its counts, this token's old topic among them
            ratio = uniform(&generator) * (length + TOPICS * ALPHA)
            if ratio < length:
                proposed = topic[first[d] + <int> ratio]
            else:
                proposed = <int> (uniform(&generator) * TOPICS)
            ratio = target(in_document, in_word, &of_topic[0], proposed, smooth)
            ratio *= in_document[k] + (k == old) + ALPHA
            ratio /= target(in_document, in_word, &of_topic[0], k, smooth)
            ratio /= in_document[proposed] + (proposed == old) + ALPHA
            if uniform(&generator) < ratio:
                k = proposed

            topic[i] = k
            in_document[k] += 1
            in_word[k] += 1
            of_topic[k] += 1


def shares(counts, prior):
    """Rows of counts as probabilities."""
    counts = counts + prior
    return counts / counts.sum(1, keepdims=True)


def perplexity(document, word, by_document, by_topic):
    return np.exp(-np.log((by_document[document] * by_topic[:, word].T).sum(1)).mean())


def main(documents=300, length=80, words=200, sweeps=100):
    # a text of known topics: each token a topic of its document's, and a word of that
    rng = softdraw.Xoshiro256(7)
    generator = np.random.Generator(rng)
    mixture = generator.dirichlet(np.full(TOPICS, 0.1), documents)
    language = generator.dirichlet(np.full(words, 0.05), TOPICS)
    document = np.repeat(np.arange(documents, dtype=np.int32), length)
    rows = np.arange(0, mixture.size + 1, TOPICS)
    made_by = softdraw.AliasTables(mixture.ravel(), rows).sample(document, rng=rng)
    rows = np.arange(0, language.size + 1, words)
    word = softdraw.AliasTables(language.ravel(), rows).sample(made_by, rng=rng).astype(np.int32)
    print(f"Its own topics' perplexity: {perplexity(document, word, mixture, language):.1f}")

    topic = generator.integers(0, TOPICS, len(word), dtype=np.int32)
    of_document, of_word = np.zeros((documents, TOPICS), np.int32), np.zeros((words, TOPICS), np.int32)
    np.add.at(of_document, (document, topic), 1)
    np.add.at(of_word, (word, topic), 1)
    of_topic = of_word.sum(0, dtype=np.int32)
    first = np.arange(0, len(word) + 1, length, dtype=np.int32)

    def now():
        by_document, by_topic = shares(of_document, ALPHA), shares(of_word.T, BETA)
        return perplexity(document, word, by_document, by_topic)

    print(f"Random topics' perplexity: {now():.1f}")
    for _ in range(sweeps):
        sweep(document, word, first, topic, of_document, of_word, of_topic, rng.random_raw(4))
    print(f"Found topics' perplexity: {now():.1f}")
