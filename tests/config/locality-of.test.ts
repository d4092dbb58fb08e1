import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { localityOf } from '../../src/config/locality-of.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { defineAdapter } from '../../src/core/adapter.ts';
import type { Locality } from '../../src/core/locality.ts';
import { type ProviderType, providerTypes } from '../../src/core/provider-types.ts';
import { provider } from './refusals.ts';

const addresses: Readonly<Record<Exclude<Locality, 'process'>, readonly string[]>> = {
  host: [
    'http://localhost:11434',
    'https://LOCALHOST',
    'http://localhost.',
    'http://ollama.localhost:8000/v1',
    'http://a.b.localhost.',
    'http://127.0.0.1:8000',
    'http://127.0.0.1.:8000',
    'http://127.255.255.254',
    'http://127.1',
    'http://2130706433',
    'http://0x7f000001:8000',
    'http://0177.0.0.1',
    'http://0.0.0.0:8000',
    'http://[::1]:11434',
    'http://[0:0:0:0:0:0:0:1]',
    'http://[::]:8000',
    'http://[::ffff:127.0.0.1]:8000',
    'http://[::FFFF:7f00:1]',
    'http://１２７.0.0.1',
    'http://localhost。',
    'http://user:password@localhost:8000',
    'http://1.1.1.1@localhost',
  ],
  lan: [
    'http://10.0.0.1',
    'http://10.255.255.255:8000',
    'http://172.16.0.1',
    'http://172.31.255.255',
    'http://192.168.0.1:11434',
    'http://192.168.255.255',
    'http://3232235777',
    'http://169.254.1.1',
    'http://100.64.0.1',
    'http://100.127.255.255',
    'http://[fe80::1]:11434',
    'http://[febf::1]',
    'http://[fc00::1]',
    'http://[fd7a:115c:a1e0::1]:8000',
    'http://[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]',
    'http://[::ffff:192.168.1.5]:8000',
    'http://[::ffff:a00:1]',
    'http://ollama:11434',
    'http://gpu-box',
    'http://bücher:8000',
    'http://nas.local:11434',
    'http://NAS.Local.',
    'http://xn--bcher-kva.local',
    'http://box.lan',
    'http://host.docker.internal:11434',
    'http://gpu.home.arpa',
    'http://trycloudflare:8000',
  ],
  tunnel: [
    'https://three-random-words-here.trycloudflare.com',
    'https://Three-Words.TryCloudflare.com.',
    'https://abc.ngrok.io',
    'https://abc.eu.ngrok.io:8443',
    'https://abc.ngrok-free.app',
    'https://abc.ngrok-free.dev/v1',
    'https://abc.ngrok.app',
    'https://abc.ngrok.dev',
    'https://abc.loca.lt',
    'https://abc.lhr.life',
    'https://abc.serveo.net',
    'https://abc.a.free.pinggy.link',
    'http://bore.pub:43210',
    'https://abc-8000.euw.devtunnels.ms',
    'https://abc.share.zrok.io',
    'https://abc.gradio.live',
    'https://box.tailnet-name.ts.net',
  ],
  cloud: [
    'https://api.openai.com',
    'https://ollama.com',
    'http://8.8.8.8',
    'http://134744072',
    'http://9.255.255.255',
    'http://11.0.0.0',
    'http://126.255.255.255',
    'http://128.0.0.1',
    'http://172.15.255.255',
    'http://172.32.0.0',
    'http://192.167.255.255',
    'http://192.169.0.0',
    'http://169.253.0.1',
    'http://169.255.0.1',
    'http://100.63.255.255',
    'http://100.128.0.0',
    'http://0.0.0.1',
    'http://0.1.0.0',
    'http://224.0.0.1',
    'http://255.255.255.255',
    'http://[2001:db8::1]',
    'http://[2606:4700::1111]:8000',
    'http://[::2]',
    'http://[::127.0.0.1]',
    'http://[::ffff:8.8.8.8]',
    'http://[::ffff:0:127.0.0.1]',
    'http://[1::ffff:7f00:1]',
    'http://[64:ff9b::10.0.0.1]',
    'http://[fe7f::1]',
    'http://[fec0::1]',
    'http://[fbff::1]',
    'http://[fe00::1]',
    'http://[ff02::1]',
    'http://[fc::1]',
    'http://[fe8::1]',
    'http://box.',
    'http://ai.',
    'http://localhost.example.com',
    'http://notlocalhost.com',
    'http://127.0.0.1.example.com',
    'http://10.0.0.1.nip.io',
    'http://local.example',
    'http://box.notlocal',
    'http://box.lan.example',
    'http://internal.example.com',
    'http://home.arpa.example',
    'http://trycloudflare.com',
    'http://trycloudflare.com.example',
    'http://nottrycloudflare.com',
    'http://a.nottrycloudflare.com',
    'http://bore.pub.example',
    'http://a.bore.pub',
    'http://ngrok.com',
    'http://bücher.example',
    'http://localhost@1.1.1.1',
    'http://lоcalhost.com',
    'no address',
    '',
  ],
};

describe.each(Object.entries(addresses))('%s', (locality, urls) => {
  test.each(urls)('%s', (url) => {
    expect(localityOf(url)).toBe(locality);
  });
});

test('an IPv4 address inside an IPv6 one is as far as it is alone', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(localityOf(`http://[::ffff:${address}]`)).toBe(localityOf(`http://${address}`));
    }),
  );
});

test('whatever the address, it is a locality outside of this process', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.ipV6().map((address) => `http://[${address}]`),
      ),
      (url) => {
        expect(Object.keys(addresses)).toContain(localityOf(url));
      },
    ),
  );
});

const adapter = defineAdapter({ name: 'mine', chat: () => Promise.reject(new Error('not called')) });
const localityIn = (options: object): Locality | undefined => resolveConfig(provider(options)).config.providers[0]?.locality;

describe('a provider', () => {
  test.each(Object.keys(providerTypes) as ProviderType[])('of type %s at its usual address', (type) => {
    const { runs, keyVariable, defaultUrl } = providerTypes[type];
    const needed = { cpu: { modelPath: 'm.gguf' }, 'remote-gpu': { url: 'http://a.loca.lt' }, 'openai-compatible': { url: 'http://a.io' } };
    const own = type in needed ? needed[type as keyof typeof needed] : {};
    const expected =
      runs === 'process' ? 'process' : defaultUrl?.startsWith('http://127.') ? 'host' : type === 'remote-gpu' ? 'tunnel' : 'cloud';
    expect(localityIn({ type, ...(keyVariable !== undefined && { apiKey: 'k' }), ...own })).toBe(expected);
  });

  test('of type "custom" is in the cloud, because nobody knows where its adapter goes', () => {
    expect(localityIn({ type: 'custom', adapter })).toBe('cloud');
  });

  test('lies where its options say, whatever its address and type', () => {
    expect(localityIn({ type: 'ollama', locality: 'cloud' })).toBe('cloud');
    expect(localityIn({ type: 'vllm', url: 'https://llm.corp.example', locality: 'lan' })).toBe('lan');
    expect(localityIn({ type: 'custom', adapter, locality: 'process' })).toBe('process');
  });

  test('given the address that servers bind to is on this machine', () => {
    expect(localityIn({ type: 'vllm', url: 'http://0.0.0.0:8000' })).toBe('host');
  });
});
