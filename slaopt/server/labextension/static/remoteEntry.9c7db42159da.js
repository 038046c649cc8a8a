// The tile of slaopt in JupyterLab's launcher. Written by hand in the form that JupyterLab loads (a container of module
// federation: `init` is given the modules that are shared, `get` gives ours), so that nothing has to be built.
(() => {
  'use strict';

  const COMMAND = 'slaopt:open';
  const ICON =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" width="16"><rect width="16" height="16" rx="3" ' +
    'fill="#005f96"/><path d="M2 11l3-3 3 2 6-6" fill="none" stroke="#fff" stroke-width="1.6" stroke-linecap="round" ' +
    'stroke-linejoin="round"/><path d="M2 6h12" stroke="#f0a45c" stroke-width="1.4" stroke-dasharray="2.4 1.6"/></svg>';
  let shared = null;

  /** Give a module that JupyterLab shares, or null where this JupyterLab has none of that name. */
  async function taken(name) {
    const versions = Object.values((shared && shared[name]) || {});
    const loaded = versions.find((version) => version.loaded) || versions[0];
    return loaded ? (await loaded.get())() : null;
  }

  function activate(app, launcher, palette, LabIcon) {
    const address = `${app.serviceManager.serverSettings.baseUrl}slaopt/`;
    app.commands.addCommand(COMMAND, {
      label: 'SLA thresholds',
      caption: 'Look at recommendations and propose changes (slaopt)',
      icon: LabIcon ? new LabIcon({ name: 'slaopt:icon', svgstr: ICON }) : undefined,
      execute: () => {
        window.open(address, '_blank', 'noopener');
      },
    });
    if (launcher) {
      launcher.add({ command: COMMAND, category: 'Other', rank: 0.5 });
    }
    if (palette) {
      palette.addItem({ command: COMMAND, category: 'slaopt' });
    }
  }

  async function extension() {
    const [launcher, apputils, ui] = await Promise.all(
      ['@jupyterlab/launcher', '@jupyterlab/apputils', '@jupyterlab/ui-components'].map(taken),
    );
    const tokens = [launcher && launcher.ILauncher, apputils && apputils.ICommandPalette];
    const plugin = {
      id: 'slaopt:tile',
      description: 'Opens the pages of slaopt from the launcher and the command palette.',
      autoStart: true,
      optional: tokens.filter(Boolean),
      activate: (app, ...given) => {
        const found = tokens.map((token) => (token ? given.shift() : null));
        activate(app, found[0], found[1], ui && ui.LabIcon);
      },
    };
    return () => ({ __esModule: true, default: plugin });
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB.slaopt = {
    init: (scope) => {
      shared = scope;
    },
    get: (name) => (name === './extension' ? extension() : Promise.reject(new Error(`slaopt has no module ${name}`))),
  };
})();
