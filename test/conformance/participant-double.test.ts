/** The simulated site keeps the contract that the real one keeps behind HTTP (src/adapters/http/http-participant.test.ts). */
import { participantConformance } from '../../src/conformance/participant.ts';
import { SimSiteFixture } from './sim-site.ts';

participantConformance('the simulated site', async () => new SimSiteFixture());
